/// What the schema table of a database says. Never changes once read; the same object stands for the same schema.
package final class Schema {
    /// A longer CREATE text is cut, which leaves its columns without names. In bytes.
    private static let greatestEntryByteCount = 1 << 20
    private static let greatestEntryCount = 1 << 18
    private static let greatestByteCount = 64 << 20

    package private(set) var entries: [SchemaEntry] = []
    /// Modules of the virtual tables, folded, by folded name of the table.
    private var virtualTables: [[UInt8]: [UInt8]] = [:]

    package init() {}

    /// Cost: reads the whole schema table.
    package init(of database: PagedDatabase, tree: TreePages) throws(PagesError) {
        guard tree.isTable else { throw .damaged(page: 1, "the schema table is no table") }
        var byteCount = 0
        var rows = RowCursor(pages: tree.leaves, isTable: true, in: database)
        while let row = try rows.next(), let rowid = row.rowid {
            let payload = row.payload
            let bytes = try database.read(payload, limit: Self.greatestEntryByteCount)
            let record = try Record(
                bytes, byteCount: payload.byteCount, encoding: database.encoding, page: payload.pageNumber)
            byteCount += bytes.count
            guard entries.count < Self.greatestEntryCount, byteCount <= Self.greatestByteCount else {
                throw .limit("the schema has too many entries")
            }
            if let entry = Self.entry(record, rowid: rowid) { append(entry) }
        }
    }

    private func append(_ entry: SchemaEntry) {
        entries.append(entry)
        guard entry.kind == .table, entry.rootPage == 0,
            let tokens = SQLTokenizer.tokens(of: entry.sql),
            let using = tokens.firstIndex(where: { $0.isKeyword("USING") }), using + 1 < tokens.count,
            let module = tokens[using + 1].name
        else { return }
        virtualTables[SQLName.folded(entry.name)] = SQLName.folded(module)
    }

    /// Nil for rows that SQLite would not use.
    private static func entry(_ record: Record, rowid: Int64) -> SchemaEntry? {
        guard record.fieldCount >= 5, case .text(let kind) = record.value(0), case .text(let name) = record.value(1),
            case .text(let tableName) = record.value(2),
            let kind = SchemaEntry.Kind(rawValue: String(decoding: kind, as: UTF8.self))
        else { return nil }
        var root: UInt32 = 0
        if case .integer(let number) = record.value(3) { root = UInt32(exactly: number) ?? 0 }
        var sql: [UInt8] = []
        if case .text(let text) = record.value(4) { sql = text }
        return SchemaEntry(kind: kind, name: name, tableName: tableName, rootPage: root, sql: sql, rowid: rowid)
    }

    /// Whose table it is: the user's, SQLite's, or a virtual table's own.
    package func label(ofTable name: [UInt8]) -> TableLabel {
        let folded = SQLName.folded(name)
        if folded.starts(with: Array("sqlite_".utf8)) { return .internal }
        for suffix in TableLabel.allShadowSuffixes where folded.count > suffix.utf8.count {
            let position = folded.count - suffix.utf8.count - 1
            guard folded[position] == UInt8(ascii: "_"), folded[(position + 1)...].elementsEqual(suffix.utf8),
                let module = virtualTables[Array(folded[..<position])]
            else { continue }
            if TableLabel.shadowSuffixes(ofModule: String(decoding: module, as: UTF8.self)).contains(suffix) {
                return .shadow(of: Array(name[..<position]))
            }
        }
        return .user
    }
}
