/// A table that is to be compared; one of the two entries can be missing.
struct TableMatch {
    var old: SchemaEntry?
    var new: SchemaEntry?

    var name: [UInt8] { new?.name ?? old?.name ?? [] }
}

/// Which entries of two schemas are the same thing.
struct SchemaMatches {
    private struct Key: Hashable {
        var kind: SchemaEntry.Kind
        var name: [UInt8]

        init(_ entry: SchemaEntry) {
            kind = entry.kind
            name = SQLName.folded(entry.name)
        }
    }

    /// Tables with a b-tree, in the order of the later schema, then those that are gone.
    private(set) var tables: [TableMatch] = []
    private(set) var changes: [SchemaChange] = []

    init(from before: Schema, to after: Schema) {
        var left: [Key: SchemaEntry] = [:]
        for entry in before.entries { left[Key(entry)] = entry }
        var new: [SchemaEntry] = []
        for entry in after.entries {
            guard let old = left.removeValue(forKey: Key(entry)) else {
                new.append(entry)
                continue
            }
            if old.sql != entry.sql { changes.append(.altered(old, to: entry)) }
            if old.rootPage != entry.rootPage { changes.append(.moved(old, to: entry)) }
            appendTable(old, entry)
        }
        var roots: [UInt32: SchemaEntry] = [:]
        for entry in left.values where entry.kind == .table { roots[entry.rootPage] = entry }
        for entry in new {
            if let old = roots[entry.rootPage], left[Key(old)] == old, Self.isRenamed(old, to: entry) {
                left[Key(old)] = nil
                changes.append(.renamed(old, to: entry))
                appendTable(old, entry)
            } else {
                changes.append(.created(entry))
                appendTable(nil, entry)
            }
        }
        for entry in before.entries where left[Key(entry)] != nil {
            changes.append(.dropped(entry))
            appendTable(entry, nil)
        }
    }

    private mutating func appendTable(_ old: SchemaEntry?, _ new: SchemaEntry?) {
        guard (new ?? old)?.kind == .table else { return }
        let match = TableMatch(
            old: old.flatMap { $0.rootPage == 0 ? nil : $0 }, new: new.flatMap { $0.rootPage == 0 ? nil : $0 })
        if match.old != nil || match.new != nil { tables.append(match) }
    }

    /// ALTER TABLE … RENAME TO keeps the root page and the row in the schema table, and writes the new name in double quotes
    /// wherever the CREATE text had the old one. A table that was made in the place of another has its text as it was given.
    private static func isRenamed(_ old: SchemaEntry, to new: SchemaEntry) -> Bool {
        guard old.kind == .table, new.kind == .table, old.rootPage == new.rootPage, old.rootPage != 0,
            old.rowid == new.rowid, let before = SQLTokenizer.tokens(of: old.sql),
            let after = SQLTokenizer.tokens(of: new.sql), before.count == after.count, after.count > 3,
            case .quotedName = after[2]
        else { return false }
        return zip(before, after).allSatisfy { one, other in
            if one == other { return true }
            guard let one = one.name, let other = other.name else { return false }
            return SQLName.isEqual(one, old.name) && SQLName.isEqual(other, new.name)
        }
    }
}

extension RowDiffRun {
    func tellSchemaChanges(_ matches: SchemaMatches) {
        if let old = before.database.header, let new = after.database.header {
            let settings: [(String, Int64, Int64)] = [
                ("page_size", Int64(old.pageSize), Int64(new.pageSize)),
                ("encoding", Int64(old.encoding.rawValue), Int64(new.encoding.rawValue)),
                ("auto_vacuum", Self.autoVacuum(old), Self.autoVacuum(new)),
                ("user_version", Int64(old.userVersion), Int64(new.userVersion)),
                ("application_id", Int64(old.applicationID), Int64(new.applicationID)),
            ]
            for (name, old, new) in settings where old != new && options.table == nil {
                tell(.schema(.setting(name, from: old, to: new)))
            }
        }
        for change in matches.changes where isIncluded(change) { tell(.schema(change)) }
    }

    /// As PRAGMA auto_vacuum: 0 none, 1 full, 2 incremental.
    private static func autoVacuum(_ header: DatabaseHeader) -> Int64 {
        header.hasPointerMap ? (header.isIncrementalVacuum ? 2 : 1) : 0
    }

    private func isIncluded(_ change: SchemaChange) -> Bool {
        let entry: SchemaEntry
        let schema: Schema
        switch change {
        case .created(let new): (entry, schema) = (new, after.schema)
        case .altered(_, let new), .renamed(_, let new), .moved(_, let new): (entry, schema) = (new, after.schema)
        case .dropped(let old): (entry, schema) = (old, before.schema)
        case .setting: return true
        }
        // Indices that SQLite makes by itself come and go with their table.
        let isAutomatic = entry.kind != .table && SQLName.folded(entry.name).starts(with: Array("sqlite_".utf8))
        if isAutomatic && !options.includesHidden { return false }
        return options.includes(entry.tableName, label: schema.label(ofTable: entry.tableName))
    }
}
