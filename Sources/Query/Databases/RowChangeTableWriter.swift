internal import Model
internal import SQLitePages

/// Writes each change as a line for people: when and who, what, the row, and its values; of an updated row only those
/// that changed. Long values are cut, with their size beside them.
struct RowChangeTableWriter: RowChangeWriter {
    /// Bytes of a text or BLOB that are shown.
    private static let shownByteCount = 64

    private var time: TimestampWriter

    init(zone: TimeZoneRule) {
        time = TimestampWriter(zone: zone)
    }

    mutating func begin(into bytes: inout [UInt8]) {
        Self.append("COMMIT", 7, to: &bytes)
        Self.append(time.title("TIME"), 26, to: &bytes)
        Self.append("BY", 20, to: &bytes)
        Self.append("CHANGE", 9, to: &bytes)
        Self.append("TABLE", 15, to: &bytes)
        Self.append("ROW", 12, to: &bytes)
        bytes.append(text: "VALUES\n")
    }

    mutating func write(_ item: RowDiffItem, _ origin: ChangeOrigin?, into bytes: inout [UInt8]) {
        Self.append(origin.map { "\($0.commit)" } ?? "-", 7, to: &bytes)
        var when: [UInt8] = []
        if let origin { time.appendForPeople(origin.high, to: &when) }
        Self.append(origin == nil ? "-" : String(decoding: when, as: UTF8.self), 26, to: &bytes)
        Self.append(origin.map { Self.writers($0) } ?? "-", 20, to: &bytes)
        switch item {
        case .row(let table, let change): appendRow(change, table, to: &bytes)
        case .schema(let change): appendSchema(change, to: &bytes)
        case .rewritten(let table):
            Self.append("rewritten", 9, to: &bytes)
            Self.append(TerminalText.escaped(table.name), 15, to: &bytes)
            bytes.append(text: "-             its rows were numbered anew: changes of values follow")
        case .unreadable: break
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// `name[pid]`; more than one process with `|` between, since one of them it was; `?` where nobody was seen.
    private static func writers(_ origin: ChangeOrigin) -> String {
        guard !origin.writers.isEmpty else { return "?" }
        return origin.writers.map { writer in
            "\(writer.name.map { TerminalText.escaped($0) } ?? "?")[\(writer.pid)]"
        }.joined(separator: "|")
    }

    private func appendRow(_ change: RowChange, _ table: DiffedTable, to bytes: inout [UInt8]) {
        Self.append(change.kind.rawValue, 9, to: &bytes)
        Self.append(TerminalText.escaped(table.name), 15, to: &bytes)
        var key: [UInt8] = []
        switch change.key {
        case .rowid(let rowid): key.append(decimal: rowid)
        case .primaryKey(let values):
            for (index, value) in values.enumerated() {
                if index > 0 { key.append(text: ",") }
                Self.append(value, to: &key)
            }
        case .none: key.append(text: "-")
        }
        Self.append(String(decoding: key, as: UTF8.self), 12, to: &bytes)
        appendValues(change, table, to: &bytes)
    }

    private func appendValues(_ change: RowChange, _ table: DiffedTable, to bytes: inout [UInt8]) {
        var isFirst = true
        func begin(_ name: [UInt8]) {
            if !isFirst { bytes.append(text: ", ") }
            isFirst = false
            TerminalText.append(name, to: &bytes)
            bytes.append(text: "=")
        }
        guard let old = change.old, let new = change.new else {
            let isOld = change.new == nil
            for (index, value) in (change.new ?? change.old ?? []).enumerated() where value != .absent {
                begin(table.columnName(index, old: isOld))
                Self.append(value, to: &bytes)
            }
            return
        }
        let before = Dictionary(
            old.indices.map { (table.columnName($0, old: true), old[$0]) }, uniquingKeysWith: { first, _ in first })
        for (index, value) in new.enumerated() {
            let name = table.columnName(index, old: false)
            let previous = before[name]
            guard value != previous || value.isLeftOut, value != .absent else { continue }
            begin(name)
            if let previous {
                Self.append(previous, to: &bytes)
                bytes.append(text: " -> ")
            }
            Self.append(value, to: &bytes)
        }
    }

    private func appendSchema(_ change: SchemaChange, to bytes: inout [UInt8]) {
        let (word, entry) = change.words
        Self.append(word, 9, to: &bytes)
        Self.append(entry.map { TerminalText.escaped($0.tableName) } ?? "-", 15, to: &bytes)
        Self.append("-", 12, to: &bytes)
        if let entry {
            bytes.append(string: "\(entry.kind.rawValue) ")
            TerminalText.append(entry.name, to: &bytes)
        }
        switch change {
        case .created(let new), .altered(_, let new):
            bytes.append(text: ": ")
            TerminalText.append(new.sql, to: &bytes)
        case .dropped: break
        case .renamed(let old, _):
            bytes.append(text: ", before ")
            TerminalText.append(old.name, to: &bytes)
        case .moved(let old, let new):
            bytes.append(string: ": root page \(old.rootPage) -> \(new.rootPage)")
        case .setting(let name, let old, let new): bytes.append(string: "\(name): \(old) -> \(new)")
        }
    }

    /// A value as SQL would write it: 'text', x'blob', NULL; control characters escaped, long ones cut.
    private static func append(_ value: SQLiteValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(text: "NULL")
        case .integer(let number): bytes.append(decimal: number)
        case .real(let number): bytes.append(string: "\(number)")
        case .text(let text):
            bytes.append(text: "'")
            TerminalText.append(shown(text), to: &bytes)
            bytes.append(text: "'")
            appendRest(of: text.count, shown: shown(text).count, to: &bytes)
        case .blob(let blob):
            bytes.append(text: "x'")
            for byte in blob.prefix(shownByteCount) { bytes.append(hexadecimal: byte) }
            bytes.append(text: "'")
            appendRest(of: blob.count, shown: min(blob.count, shownByteCount), to: &bytes)
        case .unread(let count): bytes.append(string: "(\(count) bytes, not read)")
        case .absent: bytes.append(text: "(its default)")
        }
    }

    /// The beginning of a text, not cut inside a character.
    private static func shown(_ text: [UInt8]) -> [UInt8] {
        guard text.count > shownByteCount else { return text }
        var end = shownByteCount
        while end > shownByteCount - 4, text[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(text[..<end])
    }

    private static func appendRest(of count: Int, shown: Int, to bytes: inout [UInt8]) {
        if shown < count { bytes.append(string: "… (\(count) bytes)") }
    }

    private static func append(_ text: String, _ width: Int, to bytes: inout [UInt8]) {
        bytes.append(string: text)
        for _ in 0..<max(0, width - TerminalText.columnCount(text.utf8)) { bytes.append(UInt8(ascii: " ")) }
        bytes.append(text: "  ")
    }
}

extension SQLiteValue {
    /// Two such values can differ although they look the same.
    fileprivate var isLeftOut: Bool {
        if case .unread = self { true } else { false }
    }
}
