// The entry point of varve.so. https://www.sqlite.org/loadext.html
#include <sqlite3ext.h>
#include <string.h>

#include "host.h"

__attribute__((visibility("hidden"))) const sqlite3_api_routines *host;

/// Defined in SQLTables.
extern int varve_register_tables(sqlite3 *connection, char **message);

/// Copies `text` into memory that the host frees.
static void say(const sqlite3_api_routines *routines, char **message, const char *text) {
    if (message) *message = routines->mprintf("%s", text);
}

/// Called for each connection that loads the file; SQLite derives the name from "varve.so".
__attribute__((visibility("default"))) int sqlite3_varve_init(sqlite3 *connection, char **message,
                                                              const sqlite3_api_routines *routines) {
    // The table of an older SQLite is shorter: what was added later must not be looked at.
    if (routines->libversion_number() < 3022000) {
        say(routines, message, "varve needs SQLite 3.22 or newer");
        return SQLITE_ERROR;
    }
    const sqlite3_api_routines *none = NULL;
    if (!__atomic_compare_exchange_n(&host, &none, routines, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
        none != routines) {
        // Two copies of SQLite in one process are strangers to each other, and the code here can serve only one.
        say(routines, message,
            "varve.so already serves another copy of SQLite in this process; load a copy of the file from another path");
        return SQLITE_ERROR;
    }
    int result = varve_register_tables(connection, message);
    // The Swift runtime leaves things in the process (thread-specific data, registered metadata) that must not outlive
    // its code, so it stays when the connection closes.
    return result == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : result;
}
