internal import SQLitePages

/// Writes changes of rows and schemas in one output form. `.unreadable` is not for it.
protocol RowChangeWriter {
    /// What comes before the first change.
    mutating func begin(into bytes: inout [UInt8])
    mutating func write(_ item: RowDiffItem, _ origin: ChangeOrigin?, into bytes: inout [UInt8])
}

extension DiffedTable {
    /// The name of a column before (`old`) or after; by number where names are not known.
    func columnName(_ index: Int, old: Bool) -> [UInt8] {
        guard let names = old ? oldColumns : newColumns, index < names.count else { return Array("c\(index)".utf8) }
        return names[index]
    }
}

extension SchemaChange {
    /// What happened in one word, and to what.
    var words: (change: String, entry: SchemaEntry?) {
        switch self {
        case .created(let entry): ("created", entry)
        case .dropped(let entry): ("dropped", entry)
        case .altered(_, let entry): ("altered", entry)
        case .renamed(_, let entry): ("renamed", entry)
        case .moved(_, let entry): ("moved", entry)
        case .setting: ("setting", nil)
        }
    }
}
