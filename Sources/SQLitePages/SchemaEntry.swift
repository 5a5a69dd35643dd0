/// A row of the schema table: `sqlite_schema`, on page 1.
package struct SchemaEntry: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case table, index, view, trigger
    }

    package var kind: Kind
    /// In UTF-8.
    package var name: [UInt8]
    package var tableName: [UInt8]
    /// 0 for views, triggers and virtual tables.
    package var rootPage: UInt32
    /// Empty for indices that SQLite makes by itself.
    package var sql: [UInt8]
    /// Of its row in the schema table. VACUUM gives new ones.
    package var rowid: Int64
}
