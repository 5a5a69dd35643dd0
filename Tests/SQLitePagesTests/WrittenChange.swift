import SQLitePages

/// The form in which `Tests/Workloads/rows.py` writes changes down.
enum WrittenChange {
    static func line(_ table: DiffedTable, _ change: RowChange) -> String {
        let key =
            switch change.key {
            case .rowid(let rowid): "#\(rowid)"
            case .primaryKey(let values): text(values)
            case .none: "-"
            }
        let words = [
            change.kind.rawValue, String(decoding: table.name, as: UTF8.self), key, change.old.map(text) ?? "-",
            change.new.map(text) ?? "-",
        ]
        return words.joined(separator: "\t")
    }

    static func text(_ values: [SQLiteValue]) -> String {
        values.map(text).joined(separator: ",")
    }

    static func text(_ value: SQLiteValue) -> String {
        switch value {
        case .null: "n"
        case .integer(let number): "i\(number)"
        case .real(let number):
            "r" + hexadecimal((0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> (56 - 8 * $0)) })
        case .text(let bytes): "t" + hexadecimal(bytes)
        case .blob(let bytes): "b" + hexadecimal(bytes)
        case .unread(let count): "unread \(count)"
        case .absent: "a"
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// All that a diff told.
struct ToldDiff {
    var lines: [String] = []
    var schema: [SchemaChange] = []
    var rewritten: [String] = []
    var unreadable: [String] = []
    var summary = RowDiffSummary()

    init(
        from before: FilePages, to after: FilePages, changed: [UInt32]?, options: RowDiffOptions = RowDiffOptions()
    ) throws {
        let differ = try RowDiffer(from: before, options: options)
        try self.init(differ, to: after, changed: changed)
    }

    /// Goes on from where `differ` stands. More than `limit` lines are left out.
    init(_ differ: RowDiffer, to after: FilePages, changed: [UInt32]?, limit: Int = .max) throws {
        let told = Collected()
        let summary = try differ.advance(to: after, changedPages: changed) { item in
            told.take(item)
            return told.diff.lines.count < limit
        }
        self = told.diff
        self.summary = summary
    }

    private init(empty: Void) {}

    private final class Collected {
        var diff = ToldDiff(empty: ())

        func take(_ item: RowDiffItem) {
            switch item {
            case .row(let table, let change): diff.lines.append(WrittenChange.line(table, change))
            case .schema(let change): diff.schema.append(change)
            case .rewritten(let table): diff.rewritten.append(String(decoding: table.name, as: UTF8.self))
            case .unreadable(let table, let error):
                diff.unreadable.append("\(String(decoding: table, as: UTF8.self)): \(error)")
            }
        }
    }
}
