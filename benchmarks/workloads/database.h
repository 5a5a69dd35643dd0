// What the programs that write SQLite databases share.

#ifndef VARVE_BENCHMARK_DATABASE_H
#define VARVE_BENCHMARK_DATABASE_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static inline void check(sqlite3 *database, int result, const char *what) {
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

// A database in WAL mode with synchronous=NORMAL and the default autocheckpoint, made when it is not there.
static inline sqlite3 *open_database(const char *path) {
    sqlite3 *database;
    check(NULL, sqlite3_open(path, &database) == SQLITE_OK ? SQLITE_OK : SQLITE_ERROR, path);
    sqlite3_busy_timeout(database, 10000);
    check(database, sqlite3_exec(database,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE IF NOT EXISTS entry(id INTEGER PRIMARY KEY, writer INTEGER, number INTEGER, text TEXT)",
        NULL, NULL, NULL), "schema");
    return database;
}

static inline sqlite3_stmt *prepare_insert(sqlite3 *database) {
    sqlite3_stmt *insert;
    check(database, sqlite3_prepare_v2(database, "INSERT INTO entry(writer, number, text) VALUES (?, ?, ?)", -1, &insert,
        NULL), "prepare");
    return insert;
}

static inline void insert_entry(sqlite3 *database, sqlite3_stmt *insert, sqlite3_int64 writer, sqlite3_int64 number,
                                const char *text) {
    sqlite3_bind_int64(insert, 1, writer);
    sqlite3_bind_int64(insert, 2, number);
    sqlite3_bind_text(insert, 3, text, -1, SQLITE_TRANSIENT);
    check(database, sqlite3_step(insert), "insert");
    sqlite3_reset(insert);
}

#endif
