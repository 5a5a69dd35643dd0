// commits DATABASE SECONDS
//
// Autocommit inserts by one prepared statement as fast as they go: WAL, synchronous=NORMAL, the default autocheckpoint.
// The database is made when it is not there. Reports how many inserts were committed.

#include <unistd.h>

#include "database.h"
#include "workload.h"

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: commits DATABASE SECONDS\n", stderr);
        return 2;
    }
    double duration = strtod(argv[2], NULL);
    sqlite3 *database = open_database(argv[1]);
    sqlite3_stmt *insert = prepare_insert(database);
    unsigned long long count = 0;
    double start = seconds_now();
    char text[64];
    do {
        for (int i = 0; i < 64; i++) {
            snprintf(text, sizeof text, "entry number %llu of this writer", count);
            insert_entry(database, insert, getpid(), (sqlite3_int64)count, text);
            count++;
        }
    } while (seconds_now() - start < duration);
    double elapsed = seconds_now() - start;
    sqlite3_finalize(insert);
    sqlite3_close(database);
    report("commits", count, elapsed);
    return 0;
}
