// transactions ROOT DATABASES COMMITS ROWS SEED TRUTH | transactions ROOT DATABASES prepare
//
// COMMITS transactions over DATABASES databases in WAL mode, the database of each in seeded order; a transaction inserts
// ROWS rows (1: autocommit). Each commit writes to its database's -wal at least once; that the rows are in the databases
// is checked at the end.

#define _GNU_SOURCE
#include "database.h"
#include "truth.h"

enum { database_limit = 16, path_length = 512 };

static void name(char *path, const char *root, unsigned long number) {
    snprintf(path, path_length, "%s/entries-%02lu.db", root, number);
}

static unsigned long long row_count(sqlite3 *database) {
    sqlite3_stmt *count;
    check(database, sqlite3_prepare_v2(database, "SELECT count(*) FROM entry", -1, &count, NULL), "count");
    check(database, sqlite3_step(count), "count");
    unsigned long long rows = (unsigned long long)sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    return rows;
}

static void transact(sqlite3 *database, sqlite3_stmt *insert, unsigned long number, unsigned long rows) {
    char text[64];
    if (rows > 1) check(database, sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL), "begin");
    for (unsigned long row = 0; row < rows; row++) {
        snprintf(text, sizeof text, "row %lu of transaction %lu", row, number);
        insert_entry(database, insert, (sqlite3_int64)row, (sqlite3_int64)number, text);
    }
    if (rows > 1) check(database, sqlite3_exec(database, "COMMIT", NULL, NULL, NULL), "commit");
}

int main(int argc, char **argv) {
    unsigned long databases = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int is_preparing = argc == 4 && strcmp(argv[3], "prepare") == 0;
    if ((argc < 7 && !is_preparing) || databases == 0 || databases > database_limit) {
        fputs("usage: transactions ROOT DATABASES COMMITS ROWS SEED TRUTH | transactions ROOT DATABASES prepare\n", stderr);
        return 2;
    }
    const char *root = argv[1];
    make_directory(root);
    char path[path_length];
    sqlite3 *open[database_limit];
    sqlite3_stmt *inserts[database_limit];
    for (unsigned long i = 0; i < databases; i++) {
        name(path, root, i);
        open[i] = open_database(path);
        if (is_preparing) sqlite3_close(open[i]);
        else inserts[i] = prepare_insert(open[i]);
    }
    if (is_preparing) return 0;
    unsigned long commits = strtoul(argv[3], NULL, 10), rows = strtoul(argv[4], NULL, 10);
    uint64_t state = seeded(strtoull(argv[5], NULL, 10));
    unsigned long long committed[database_limit] = {0};

    double start = seconds_now();
    for (unsigned long i = 0; i < commits; i++) {
        unsigned long which = next_random(&state) % databases;
        transact(open[which], inserts[which], i, rows);
        committed[which]++;
    }
    double seconds = seconds_now() - start;
    unsigned long long found = 0;
    for (unsigned long i = 0; i < databases; i++) {
        found += row_count(open[i]);
        sqlite3_finalize(inserts[i]);
        sqlite3_close(open[i]);
    }
    if (found != (unsigned long long)commits * rows) {
        fprintf(stderr, "workload: %llu rows in the databases\n", found);
        return 1;
    }
    struct truth truth = truth_of(databases);
    for (unsigned long i = 0; i < databases; i++) {
        char log[path_length + 4];
        name(path, root, i);
        snprintf(log, sizeof log, "%s-wal", path);
        truth_add_times(&truth, "modify", log, committed[i]);
    }
    truth_write(&truth, argv[6]);
    report("transactions", commits, seconds);
    return 0;
}
