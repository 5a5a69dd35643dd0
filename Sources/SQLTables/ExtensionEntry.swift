internal import CSQLite

/// Registers the tables on a connection of a foreign process; called by the loadable extension's entry point.
///
/// Parameters: `message` takes the text of an error, to be freed by SQLite. Returns: a result code of SQLite.
@c(varve_register_tables)
public func registerTables(
    _ connection: OpaquePointer?, _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    // SAFETY: a pointer is only held against none.
    guard let connection = unsafe connection else { return SQLITE_MISUSE }
    do throws(SQLTableError) {
        // SAFETY: the connection is the one that loads the extension.
        try unsafe TableRegistry.register(on: connection, SQLSession())
        return SQLITE_OK
    } catch {
        // SAFETY: SQLite frees what is put there.
        unsafe message?.pointee = SQLiteMemory.string(error.description)
        return error.code
    }
}
