internal import CSQLite
internal import Model

/// Makes the tables known to a connection.
package enum TableRegistry {
    /// Registers the tables and the collation of moments. The connection keeps `session` until it closes.
    ///
    /// Throws: `SQLTableError` where SQLite is too old or refuses.
    package static func register(on connection: OpaquePointer, _ session: SQLSession) throws(SQLTableError) {
        guard sqlite3_libversion_number() >= HostVersion.floor else {
            // SAFETY: SQLite answers with a constant C string.
            let version = unsafe String(cString: sqlite3_libversion())
            throw SQLTableError("SQLite \(version) is too old for Varve's tables; they need 3.22 or newer")
        }
        // SAFETY: the connection is that of the caller, and the check runs only in calls that SQLite makes on it.
        session.setInterruptCheck { unsafe isInterrupted(connection) }
        // SAFETY: no context is given; the function lives as long as the process.
        var result = unsafe sqlite3_create_collation_v2(
            connection, MomentCollation.name, SQLITE_UTF8, nil,
            { _, leftCount, left, rightCount, right in
                // SAFETY: SQLite hands over texts of these lengths, which live for the call.
                unsafe MomentCollation.compare(
                    [UInt8](UnsafeRawBufferPointer(start: left, count: Int(leftCount))),
                    [UInt8](UnsafeRawBufferPointer(start: right, count: Int(rightCount))))
            }, nil)
        for kind in TableKind.all where result == SQLITE_OK {
            let module = TableModule(kind, session)
            // SAFETY: the module is retained for the registration and released when SQLite lets go of it, also when the
            // call fails.
            result = unsafe sqlite3_create_module_v2(
                connection, kind.name, ModuleCallbacks.module, Unmanaged.passRetained(module).toOpaque(),
                { if let module = unsafe $0 { unsafe Unmanaged<TableModule>.fromOpaque(module).release() } })
        }
        guard result == SQLITE_OK else {
            // SAFETY: the connection is alive; the text is copied at once.
            throw SQLTableError(unsafe String(cString: sqlite3_errmsg(connection)), code: result)
        }
    }

    /// SQLite has no way before 3.41 to ask whether a connection was interrupted; a statement that runs finds it out.
    private static func isInterrupted(_ connection: OpaquePointer) -> Bool {
        var statement: OpaquePointer?
        // SAFETY: the connection is alive while one of its statements runs this; the statement is finalized here only.
        guard unsafe sqlite3_prepare_v2(connection, "SELECT 1", -1, &statement, nil) == SQLITE_OK else { return false }
        let result = unsafe sqlite3_step(statement)
        _ = unsafe sqlite3_finalize(statement)
        return result & 0xFF == SQLITE_INTERRUPT
    }
}
