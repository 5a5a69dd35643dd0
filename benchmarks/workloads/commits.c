// commits DATABASE SECONDS
//
// Autocommit inserts by one prepared statement as fast as they go: WAL, synchronous=NORMAL, the default autocheckpoint.
// The database is made when it is not there. Reports how many inserts were committed.

#include <sqlite3.h>
#include <unistd.h>

#include "workload.h"

static void check(sqlite3 *database, int result, const char *what) {
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: commits DATABASE SECONDS\n", stderr);
        return 2;
    }
    double duration = strtod(argv[2], NULL);
    sqlite3 *database;
    check(NULL, sqlite3_open(argv[1], &database) == SQLITE_OK ? SQLITE_OK : SQLITE_ERROR, argv[1]);
    sqlite3_busy_timeout(database, 10000);
    check(database, sqlite3_exec(database,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE IF NOT EXISTS entry(id INTEGER PRIMARY KEY, writer INTEGER, number INTEGER, text TEXT)",
        NULL, NULL, NULL), "schema");
    sqlite3_stmt *insert;
    check(database, sqlite3_prepare_v2(database, "INSERT INTO entry(writer, number, text) VALUES (?, ?, ?)", -1, &insert,
        NULL), "prepare");
    unsigned long long count = 0;
    double start = seconds_now();
    char text[64];
    do {
        for (int i = 0; i < 64; i++) {
            snprintf(text, sizeof text, "entry number %llu of this writer", count);
            sqlite3_bind_int64(insert, 1, getpid());
            sqlite3_bind_int64(insert, 2, (sqlite3_int64)count);
            sqlite3_bind_text(insert, 3, text, -1, SQLITE_TRANSIENT);
            check(database, sqlite3_step(insert), "insert");
            sqlite3_reset(insert);
            count++;
        }
    } while (seconds_now() - start < duration);
    double elapsed = seconds_now() - start;
    sqlite3_finalize(insert);
    sqlite3_close(database);
    report("commits", count, elapsed);
    return 0;
}
