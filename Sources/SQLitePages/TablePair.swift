/// One side of a table that is compared.
struct TableSide {
    let state: DatabaseState
    let entry: SchemaEntry
    let tree: TreePages
    /// Nil where the CREATE text cannot be read or does not fit the b-tree.
    let definition: TableDefinition?

    var database: PagedDatabase { state.database }
    var columnNames: [[UInt8]]? { definition?.columns.map(\.name) }

    init(_ entry: SchemaEntry, in state: DatabaseState) throws(PagesError) {
        self.state = state
        self.entry = entry
        tree = try state.tree(root: entry.rootPage)
        let parsed = state.definition(of: entry)
        definition = parsed.flatMap { [tree] in $0.isWithoutRowid == tree.isTable ? nil : $0 }
    }

    /// All values of a row in the order of the columns, or of the record where the columns are not known.
    func values(of row: StoredRow, limit: Int) throws(PagesError) -> [SQLiteValue] {
        let record = try record(of: row.payload, limit: limit)
        if let definition { return definition.values(of: record, rowid: row.rowid) }
        return (0..<record.fieldCount).map { record.value($0) }
    }

    func record(of payload: Payload, limit: Int) throws(PagesError) -> Record {
        try Record(
            database.read(payload, limit: limit), byteCount: payload.byteCount, encoding: database.encoding,
            page: payload.pageNumber)
    }

    /// How many fields at the front of a record are the key of a table without rowid; all where that is not known.
    var keyFieldCount: Int { definition?.primaryKey.count ?? Int.max }

    func key(of record: Record) -> RowKey {
        .primaryKey((0..<min(record.fieldCount, keyFieldCount)).map { record.value($0) })
    }
}

/// A table before and after; one of the two can be missing.
struct TablePair {
    let old: TableSide?
    let new: TableSide?
    let table: DiffedTable
    /// For each column after: the column before that it is, nil for a new one.
    private let mapping: [Int?]?

    init(old: TableSide?, new: TableSide?, label: TableLabel) {
        self.old = old
        self.new = new
        table = DiffedTable(
            name: new?.entry.name ?? old?.entry.name ?? [], label: label, oldColumns: old?.columnNames,
            newColumns: new?.columnNames)
        mapping = table.oldColumns.flatMap { [table] old in table.newColumns.map { Self.mapping(from: old, to: $0) } }
    }

    /// Columns are the same by name; those that are left over on both sides, by position.
    private static func mapping(from old: [[UInt8]], to new: [[UInt8]]) -> [Int?] {
        var positions: [[UInt8]: Int] = [:]
        for (index, name) in old.enumerated() { positions[SQLName.folded(name)] = index }
        var mapping = new.map { positions.removeValue(forKey: SQLName.folded($0)) }
        let unmatched = Set(positions.values)
        for index in mapping.indices where mapping[index] == nil && unmatched.contains(index) { mapping[index] = index }
        return mapping
    }

    /// True when a row says the same before and after: an added column with its default is no change of the row, nor is
    /// one that was dropped, which the schema's change tells.
    func saysTheSame(_ old: [SQLiteValue], _ new: [SQLiteValue]) -> Bool {
        guard let mapping, let definition = self.new?.definition, mapping.count == new.count else { return old == new }
        return new.indices.allSatisfy { index in
            if let before = mapping[index] { return before < old.count && old[before] == new[index] }
            return new[index] == definition.columns[index].defaultValue || definition.columns[index].isVirtual
        }
    }
}
