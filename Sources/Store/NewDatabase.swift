package import Model

/// A new SQLite database of ordinary tables that rows are put into: an export, never a store.
///
/// Everything is one transaction. What a failure leaves behind is no database, so whoever makes the file removes it then.
/// Memory: 8 MiB of pages; what else there is to keep or to sort is in files. Thread: one.
package final class NewDatabase {
    private let connection: Connection

    /// One statement that is run again and again.
    package struct Command: ~Copyable {
        let statement: Statement

        /// Runs it with these values. Throws: `StoreError`.
        package borrowing func run(_ values: [BoundValue]) throws(StoreError) {
            try statement.run(values)
        }

        /// The integer in the first column of its first row; nil where it has none. Throws: `StoreError`.
        package borrowing func integer(_ values: [BoundValue]) throws(StoreError) -> Int64? {
            try statement.first(values) { (row) throws(StoreError) in row.integer(0) }
        }
    }

    /// Begins with the tables of `schema`. `path` is an empty file. Throws: `StoreError`.
    package init(_ path: RawPath, schema: String) throws(StoreError) {
        connection = try Connection.open(path, mode: .write)
        // The file is of use only when it is whole and was synced by its maker: nothing has to survive a crash before.
        try connection.execute("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE")
        try connection.execute("PRAGMA cache_size=-8192; BEGIN")
        try connection.execute(schema)
    }

    /// Prepares a statement. `name` stands for it in errors. Throws: `StoreError`.
    package func command(_ name: StaticString, _ sql: String) throws(StoreError) -> Command {
        Command(statement: try connection.prepare(name, sql))
    }

    /// Runs the last statements (indices) and commits. Throws: `StoreError`.
    package func finish(_ sql: String) throws(StoreError) {
        try connection.execute(sql)
        try connection.execute("COMMIT")
    }
}
