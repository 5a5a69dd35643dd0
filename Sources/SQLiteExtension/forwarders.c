// Every function of SQLite that this program calls, as a call through the routines that the host handed over.
//
// The rooms call SQLite by name, as in the programs. In the loadable extension these definitions stand for the names, so
// that the host's own SQLite does the work, whichever copy that is, and libsqlite3 is never linked: a second copy in one
// process would drop the POSIX locks of the first with each file that it closes
// (https://www.sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application).
// All are hidden: the host's functions of the same names must neither be replaced nor be called in their place.
#pragma GCC visibility push(hidden)
#include <sqlite3ext.h>
#include <stdarg.h>

#include "host.h"

// sqlite3ext.h renames the functions to members of the table; here they are defined.

#undef sqlite3_bind_blob64
int sqlite3_bind_blob64(sqlite3_stmt *a, int b, const void *c, sqlite3_uint64 d, void (*e)(void*)) {
    return host->bind_blob64(a, b, c, d, e);
}

#undef sqlite3_bind_int64
int sqlite3_bind_int64(sqlite3_stmt *a, int b, sqlite3_int64 c) {
    return host->bind_int64(a, b, c);
}

#undef sqlite3_bind_null
int sqlite3_bind_null(sqlite3_stmt *a, int b) {
    return host->bind_null(a, b);
}

#undef sqlite3_bind_text64
int sqlite3_bind_text64(sqlite3_stmt *a, int b, const char *c, sqlite3_uint64 d, void (*e)(void*), unsigned char f) {
    return host->bind_text64(a, b, c, d, e, f);
}

#undef sqlite3_bind_zeroblob
int sqlite3_bind_zeroblob(sqlite3_stmt *a, int b, int c) {
    return host->bind_zeroblob(a, b, c);
}

#undef sqlite3_blob_bytes
int sqlite3_blob_bytes(sqlite3_blob *a) {
    return host->blob_bytes(a);
}

#undef sqlite3_blob_close
int sqlite3_blob_close(sqlite3_blob *a) {
    return host->blob_close(a);
}

#undef sqlite3_blob_open
int sqlite3_blob_open(sqlite3 *a, const char *b, const char *c, const char *d, sqlite3_int64 e, int f,
                      sqlite3_blob **g) {
    return host->blob_open(a, b, c, d, e, f, g);
}

#undef sqlite3_blob_read
int sqlite3_blob_read(sqlite3_blob *a, void *b, int c, int d) {
    return host->blob_read(a, b, c, d);
}

#undef sqlite3_blob_write
int sqlite3_blob_write(sqlite3_blob *a, const void *b, int c, int d) {
    return host->blob_write(a, b, c, d);
}

#undef sqlite3_busy_timeout
int sqlite3_busy_timeout(sqlite3 *a, int b) {
    return host->busy_timeout(a, b);
}

#undef sqlite3_clear_bindings
int sqlite3_clear_bindings(sqlite3_stmt *a) {
    return host->clear_bindings(a);
}

#undef sqlite3_close_v2
int sqlite3_close_v2(sqlite3 *a) {
    return host->close_v2(a);
}

#undef sqlite3_column_blob
const void *sqlite3_column_blob(sqlite3_stmt *a, int b) {
    return host->column_blob(a, b);
}

#undef sqlite3_column_bytes
int sqlite3_column_bytes(sqlite3_stmt *a, int b) {
    return host->column_bytes(a, b);
}

#undef sqlite3_column_count
int sqlite3_column_count(sqlite3_stmt *a) {
    return host->column_count(a);
}

#undef sqlite3_column_int64
sqlite3_int64 sqlite3_column_int64(sqlite3_stmt *a, int b) {
    return host->column_int64(a, b);
}

#undef sqlite3_column_name
const char *sqlite3_column_name(sqlite3_stmt *a, int b) {
    return host->column_name(a, b);
}

#undef sqlite3_column_text
const unsigned char *sqlite3_column_text(sqlite3_stmt *a, int b) {
    return host->column_text(a, b);
}

#undef sqlite3_column_type
int sqlite3_column_type(sqlite3_stmt *a, int b) {
    return host->column_type(a, b);
}

#undef sqlite3_column_value
sqlite3_value *sqlite3_column_value(sqlite3_stmt *a, int b) {
    return host->column_value(a, b);
}

#undef sqlite3_commit_hook
void *sqlite3_commit_hook(sqlite3 *a, int (*b)(void*), void *c) {
    return host->commit_hook(a, b, c);
}

#undef sqlite3_create_collation_v2
int sqlite3_create_collation_v2(sqlite3 *a, const char *b, int c, void *d,
                                int (*e)(void*, int, const void*, int, const void*), void (*f)(void*)) {
    return host->create_collation_v2(a, b, c, d, e, f);
}

#undef sqlite3_create_module_v2
int sqlite3_create_module_v2(sqlite3 *a, const char *b, const sqlite3_module *c, void *d, void (*e)(void*)) {
    return host->create_module_v2(a, b, c, d, e);
}

#undef sqlite3_db_handle
sqlite3 *sqlite3_db_handle(sqlite3_stmt *a) {
    return host->db_handle(a);
}

#undef sqlite3_db_status
int sqlite3_db_status(sqlite3 *a, int b, int *c, int *d, int e) {
    return host->db_status(a, b, c, d, e);
}

#undef sqlite3_declare_vtab
int sqlite3_declare_vtab(sqlite3 *a, const char *b) {
    return host->declare_vtab(a, b);
}

#undef sqlite3_errmsg
const char *sqlite3_errmsg(sqlite3 *a) {
    return host->errmsg(a);
}

#undef sqlite3_exec
int sqlite3_exec(sqlite3 *a, const char *b, int (*c)(void*, int, char**, char**), void *d, char **e) {
    return host->exec(a, b, c, d, e);
}

#undef sqlite3_extended_errcode
int sqlite3_extended_errcode(sqlite3 *a) {
    return host->extended_errcode(a);
}

#undef sqlite3_extended_result_codes
int sqlite3_extended_result_codes(sqlite3 *a, int b) {
    return host->extended_result_codes(a, b);
}

#undef sqlite3_file_control
int sqlite3_file_control(sqlite3 *a, const char *b, int c, void *d) {
    return host->file_control(a, b, c, d);
}

#undef sqlite3_finalize
int sqlite3_finalize(sqlite3_stmt *a) {
    return host->finalize(a);
}

#undef sqlite3_free
void sqlite3_free(void *a) {
    host->free(a);
}

#undef sqlite3_get_autocommit
int sqlite3_get_autocommit(sqlite3 *a) {
    return host->get_autocommit(a);
}

#undef sqlite3_interrupt
void sqlite3_interrupt(sqlite3 *a) {
    host->interruptx(a);
}

#undef sqlite3_libversion
const char *sqlite3_libversion(void) {
    return host->libversion();
}

#undef sqlite3_libversion_number
int sqlite3_libversion_number(void) {
    return host->libversion_number();
}

#undef sqlite3_malloc64
void *sqlite3_malloc64(sqlite3_uint64 a) {
    return host->malloc64(a);
}

#undef sqlite3_open_v2
int sqlite3_open_v2(const char *a, sqlite3 **b, int c, const char *d) {
    return host->open_v2(a, b, c, d);
}

#undef sqlite3_prepare_v2
int sqlite3_prepare_v2(sqlite3 *a, const char *b, int c, sqlite3_stmt **d, const char **e) {
    return host->prepare_v2(a, b, c, d, e);
}

#undef sqlite3_prepare_v3
int sqlite3_prepare_v3(sqlite3 *a, const char *b, int c, unsigned int d, sqlite3_stmt **e, const char **f) {
    return host->prepare_v3(a, b, c, d, e, f);
}

#undef sqlite3_reset
int sqlite3_reset(sqlite3_stmt *a) {
    return host->reset(a);
}

#undef sqlite3_result_blob64
void sqlite3_result_blob64(sqlite3_context *a, const void *b, sqlite3_uint64 c, void (*d)(void*)) {
    host->result_blob64(a, b, c, d);
}

#undef sqlite3_result_double
void sqlite3_result_double(sqlite3_context *a, double b) {
    host->result_double(a, b);
}

#undef sqlite3_result_error
void sqlite3_result_error(sqlite3_context *a, const char *b, int c) {
    host->result_error(a, b, c);
}

#undef sqlite3_result_int64
void sqlite3_result_int64(sqlite3_context *a, sqlite3_int64 b) {
    host->result_int64(a, b);
}

#undef sqlite3_result_null
void sqlite3_result_null(sqlite3_context *a) {
    host->result_null(a);
}

#undef sqlite3_result_text64
void sqlite3_result_text64(sqlite3_context *a, const char *b, sqlite3_uint64 c, void (*d)(void*), unsigned char e) {
    host->result_text64(a, b, c, d, e);
}

#undef sqlite3_set_authorizer
int sqlite3_set_authorizer(sqlite3 *a, int (*b)(void*, int, const char*, const char*, const char*, const char*),
                           void *c) {
    return host->set_authorizer(a, b, c);
}

#undef sqlite3_step
int sqlite3_step(sqlite3_stmt *a) {
    return host->step(a);
}

#undef sqlite3_stmt_readonly
int sqlite3_stmt_readonly(sqlite3_stmt *a) {
    return host->stmt_readonly(a);
}

#undef sqlite3_system_errno
int sqlite3_system_errno(sqlite3 *a) {
    return host->system_errno(a);
}

#undef sqlite3_value_blob
const void *sqlite3_value_blob(sqlite3_value *a) {
    return host->value_blob(a);
}

#undef sqlite3_value_bytes
int sqlite3_value_bytes(sqlite3_value *a) {
    return host->value_bytes(a);
}

#undef sqlite3_value_double
double sqlite3_value_double(sqlite3_value *a) {
    return host->value_double(a);
}

#undef sqlite3_value_int64
sqlite3_int64 sqlite3_value_int64(sqlite3_value *a) {
    return host->value_int64(a);
}

#undef sqlite3_value_text
const unsigned char *sqlite3_value_text(sqlite3_value *a) {
    return host->value_text(a);
}

#undef sqlite3_value_type
int sqlite3_value_type(sqlite3_value *a) {
    return host->value_type(a);
}

#undef sqlite3_vtab_collation
const char *sqlite3_vtab_collation(sqlite3_index_info *a, int b) {
    return host->vtab_collation(a, b);
}

#undef sqlite3_vtab_in
int sqlite3_vtab_in(sqlite3_index_info *a, int b, int c) {
    return host->vtab_in(a, b, c);
}

#undef sqlite3_vtab_in_first
int sqlite3_vtab_in_first(sqlite3_value *a, sqlite3_value **b) {
    return host->vtab_in_first(a, b);
}

#undef sqlite3_vtab_in_next
int sqlite3_vtab_in_next(sqlite3_value *a, sqlite3_value **b) {
    return host->vtab_in_next(a, b);
}

#undef sqlite3_wal_checkpoint_v2
int sqlite3_wal_checkpoint_v2(sqlite3 *a, const char *b, int c, int *d, int *e) {
    return host->wal_checkpoint_v2(a, b, c, d, e);
}

#undef sqlite3_wal_hook
void *sqlite3_wal_hook(sqlite3 *a, int (*b)(void*, sqlite3*, const char*, int), void *c) {
    return host->wal_hook(a, b, c);
}

/// Only for the options that take one switch and give back its state.
#undef sqlite3_db_config
int sqlite3_db_config(sqlite3 *a, int b, ...) {
    va_list rest;
    va_start(rest, b);
    int on = va_arg(rest, int);
    int *state = va_arg(rest, int *);
    va_end(rest);
    return host->db_config(a, b, on, state);
}

#pragma GCC visibility pop
