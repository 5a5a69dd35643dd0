package import Model

/// A restored database file as SQL text that makes an equal one, as the `.dump` of SQLite's shell does it.
///
/// Rowids of tables without an INTEGER PRIMARY KEY are not in it. Virtual tables are put into the schema as they are and
/// their contents come with their shadow tables.
package enum DatabaseDump {
    private struct Table {
        var name: [UInt8]
        var sql: [UInt8]
    }

    /// Hands over the text in pieces. The file is opened read-only and immutable.
    ///
    /// Throws: `StoreError` (`notAStore` where it is no database that can be read without a key), and what `write` throws.
    package static func write(_ path: RawPath, _ write: ([UInt8]) throws -> Void) throws {
        let connection = try Connection.open(path, mode: .readImmutable)
        try write(Array("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n".utf8))
        let tables = try schema("type = 'table'", connection)
        let hasVirtual = tables.contains { isVirtual($0.sql) }
        if hasVirtual { try write(Array("PRAGMA writable_schema=ON;\n".utf8)) }
        for table in tables where !isOwn(table.name) {
            if isVirtual(table.sql) {
                let name = literal(table.name)
                try write(
                    Array("INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',".utf8) + name
                        + Array(",".utf8) + name + Array(",0,".utf8) + literal(table.sql) + Array(");\n".utf8))
            } else {
                try write(table.sql + Array(";\n".utf8))
                try rows(of: table.name, connection, write)
            }
        }
        if tables.contains(where: { $0.name == Array("sqlite_sequence".utf8) }) {
            try write(Array("DELETE FROM sqlite_sequence;\n".utf8))
            try rows(of: Array("sqlite_sequence".utf8), connection, write)
        }
        for entry in try schema("type <> 'table'", connection) { try write(entry.sql + Array(";\n".utf8)) }
        if hasVirtual { try write(Array("PRAGMA writable_schema=OFF;\n".utf8)) }
        try write(Array("COMMIT;\n".utf8))
    }

    /// What SQLite makes by itself: its sequence table, and statistics, which ANALYZE brings back.
    private static func isOwn(_ name: [UInt8]) -> Bool {
        name.starts(with: "sqlite_".utf8)
    }

    private static func isVirtual(_ sql: [UInt8]) -> Bool {
        String(decoding: sql.prefix(20), as: UTF8.self).uppercased().hasPrefix("CREATE VIRTUAL TABLE")
    }

    private static func schema(
        _ condition: String, _ connection: borrowing Connection
    ) throws(StoreError) -> [Table] {
        var tables: [Table] = []
        try connection.prepare(
            "schema", "SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL AND \(condition) ORDER BY rowid"
        ).forEachRow { (row) throws(StoreError) in
            tables.append(Table(name: row.textBytes(0), sql: row.textBytes(1)))
        }
        return tables
    }

    private static func rows(
        of table: [UInt8], _ connection: borrowing Connection, _ write: ([UInt8]) throws -> Void
    ) throws {
        var columns: [[UInt8]] = []
        var hasOthers = false
        let information = try connection.prepare("columns", "SELECT name, hidden FROM pragma_table_xinfo(?)")
        try information.forEachRow([.text(String(decoding: table, as: UTF8.self))]) { (row) throws(StoreError) in
            // Generated columns (2, 3) cannot be inserted.
            if row.integer(1) == 0 { columns.append(row.textBytes(0)) } else { hasOthers = true }
        }
        guard !columns.isEmpty else { return }
        var head = Array("INSERT INTO ".utf8) + identifier(table)
        if hasOthers { head += Array("(".utf8) + columns.map(identifier).joined(separator: [0x2C]) + Array(")".utf8) }
        head += Array(" VALUES(".utf8)
        let values = columns.map { "quote(" + String(decoding: identifier($0), as: UTF8.self) + ")" }
        let select = try connection.prepare(
            "rows",
            "SELECT " + values.joined(separator: "||','||") + " FROM "
                + String(decoding: identifier(table), as: UTF8.self))
        var failure: (any Error)?
        try select.forEachRow { (row) throws(StoreError) in
            guard failure == nil else { return }
            do {
                try write(head + row.textBytes(0) + Array(");\n".utf8))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private static func identifier(_ name: [UInt8]) -> [UInt8] {
        quoted(name, UInt8(ascii: "\""))
    }

    private static func literal(_ text: [UInt8]) -> [UInt8] {
        quoted(text, UInt8(ascii: "'"))
    }

    private static func quoted(_ text: [UInt8], _ quote: UInt8) -> [UInt8] {
        [quote] + text.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
}
