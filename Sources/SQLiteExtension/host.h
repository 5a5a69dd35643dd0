#ifndef VARVE_HOST_H
#define VARVE_HOST_H

#include <sqlite3ext.h>

/// The routines of the SQLite that loaded the extension; set once, before any of them is called.
extern const sqlite3_api_routines *host;

#endif
