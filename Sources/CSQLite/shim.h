#include <sqlite3.h>

// Only what Swift cannot import: functions with variable arguments, and macros that are casts.

/// sqlite3_db_config for the options that take one switch; the state after the call is not asked for.
static inline int varve_sqlite3_db_config_switch(sqlite3 *db, int option, int on) {
    return sqlite3_db_config(db, option, on, (int *)0);
}

/// sqlite3_bind_blob64 with SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
static inline int varve_sqlite3_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes,
                                               sqlite3_uint64 count) {
    // A null pointer would bind NULL instead of an empty blob.
    return count == 0 ? sqlite3_bind_zeroblob(statement, index, 0)
                      : sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// sqlite3_bind_text64 with SQLITE_TRANSIENT, UTF-8.
static inline int varve_sqlite3_bind_text_copy(sqlite3_stmt *statement, int index, const char *text,
                                               sqlite3_uint64 count) {
    // A null pointer would bind NULL instead of an empty text.
    return sqlite3_bind_text64(statement, index, count == 0 ? "" : text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/// A virtual table and a cursor of one, with the object of this program that each stands for.
typedef struct varve_vtab {
    sqlite3_vtab base;
    void *table;
} varve_vtab;

typedef struct varve_vtab_cursor {
    sqlite3_vtab_cursor base;
    void *cursor;
} varve_vtab_cursor;

/// sqlite3_result_text64 and sqlite3_result_blob64 with SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
static inline void varve_sqlite3_result_text_copy(sqlite3_context *context, const void *text, sqlite3_uint64 count) {
    sqlite3_result_text64(context, count == 0 ? "" : (const char *)text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline void varve_sqlite3_result_blob_copy(sqlite3_context *context, const void *bytes, sqlite3_uint64 count) {
    sqlite3_result_blob64(context, count == 0 ? "" : bytes, count, SQLITE_TRANSIENT);
}
