/// A table as it is before and after, for those who show its rows.
package struct DiffedTable: Equatable, Sendable {
    /// In UTF-8; the later name when it was renamed.
    package var name: [UInt8]
    package var label: TableLabel
    /// Names of the columns before and after, in UTF-8; nil where the table is not there, or its CREATE text cannot be
    /// read: values then stand in the order of the record.
    package var oldColumns: [[UInt8]]?
    package var newColumns: [[UInt8]]?
}

/// What tells a row from all others of its table.
package enum RowKey: Equatable, Sendable {
    case rowid(Int64)
    /// The values of the primary key of a table without rowid.
    case primaryKey([SQLiteValue])
    /// The table was rewritten and its rows numbered anew: only values can be compared.
    case none
}

/// A row that differs between two states of a database.
package struct RowChange: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case inserted, updated, deleted
    }

    package var kind: Kind
    package var key: RowKey
    /// All values before, in the order of `DiffedTable.oldColumns`; nil for an inserted row.
    package var old: [SQLiteValue]?
    /// All values after, in the order of `DiffedTable.newColumns`; nil for a deleted row.
    package var new: [SQLiteValue]?
}

/// Something other than a row that differs.
package enum SchemaChange: Equatable, Sendable {
    case created(SchemaEntry)
    case dropped(SchemaEntry)
    /// The CREATE text changed.
    case altered(SchemaEntry, to: SchemaEntry)
    /// A table with the same root page and as many columns has another name.
    case renamed(SchemaEntry, to: SchemaEntry)
    /// The b-tree begins on another page, as after VACUUM or when auto_vacuum moved it.
    case moved(SchemaEntry, to: SchemaEntry)
    /// A field of the database header: `page_size`, `encoding`, `auto_vacuum`, `user_version` or `application_id`.
    case setting(String, from: Int64, to: Int64)
}

/// What a diff says, in order: the schema's changes, then table after table.
package enum RowDiffItem: Equatable, Sendable {
    case schema(SchemaChange)
    /// The rows of the table were numbered anew (VACUUM does that where no column is the rowid): the changes that
    /// follow compare values only, with key `.none`.
    case rewritten(DiffedTable)
    case row(DiffedTable, RowChange)
    /// The rest of the table's changes is not known.
    case unreadable(table: [UInt8], PagesError)
}

/// What a diff took.
package struct RowDiffSummary: Equatable, Sendable {
    /// Pages that were read, before and after together.
    package var pagesRead = 0
    package var changedPageCount = 0
    /// Leaves that had to be read only to find out whose a changed overflow page is.
    package var leavesSearched = 0
    /// The receiver asked for no more.
    package var endedEarly = false

    package init() {}
}
