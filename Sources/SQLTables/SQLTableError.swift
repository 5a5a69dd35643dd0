internal import CSQLite

/// Why a table cannot answer; it becomes the error of the host's statement.
package struct SQLTableError: Error, CustomStringConvertible {
    /// https://www.sqlite.org/rescode.html
    package var code: Int32
    /// What failed and, where there is one, the remedy.
    package var description: String

    init(_ description: String, code: Int32 = SQLITE_ERROR) {
        self.code = code
        self.description = description
    }
}
