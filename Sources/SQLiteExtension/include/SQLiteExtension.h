#ifndef VARVE_SQLITE_EXTENSION_H
#define VARVE_SQLITE_EXTENSION_H

// Nothing here is called by name: SQLite finds the entry point of varve.so by the file's name.

#endif
