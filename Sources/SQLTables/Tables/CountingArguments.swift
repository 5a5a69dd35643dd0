internal import Model
internal import Query

/// What a table that counts was asked with.
struct CountingArguments {
    private var values: [CountingOption: [SQLValue]] = [:]
    /// True where an argument is NULL, which nothing equals: there are no rows.
    private(set) var isEmpty = false

    init() {}

    init(_ kind: TableKind, _ conditions: [Condition]) {
        for condition in conditions {
            let name = kind.columns[condition.column].name
            guard let option = CountingOption(rawValue: name) else { continue }
            let given = condition.values.filter { $0 != .null }
            // Of several conditions on one argument all hold.
            let both =
                values[option].map { known in
                    known.filter { each in given.contains { $0.isSame(as: each) } }
                } ?? given
            values[option] = both
            if both.isEmpty { isEmpty = true }
        }
    }

    /// Whether all events of several values were counted together, so that a row is of none of them.
    func isList(_ option: CountingOption) -> Bool { values[option, default: []].count > 1 }

    /// The value, or the first of several; nil where it was not given.
    subscript(_ option: CountingOption) -> SQLValue? { values[option]?.first }

    /// The events that are counted, as the options of the command line of the same names select them; but times without a zone are
    /// UTC, as in all of SQL here.
    ///
    /// Throws: as `SelectionArguments.selection`, `SQLTableError`.
    func selection() throws -> Selection {
        var context = TimeContext.current()
        context.zone = .utc
        return try SelectionArguments(
            since: moment(.since, context), until: moment(.until, context), paths: names(.path),
            directories: names(.under), operations: texts(.op), pids: texts(.pid), comms: names(.comm),
            exes: names(.exe), users: texts(.user), loginUsers: texts(.loginUser), units: names(.unit),
            containers: names(.container), includesOverlapping: flag(.overlapping)
        ).selection(in: context)
    }

    /// Throws: `SQLTableError` for what is no grouping.
    func grouping() throws(SQLTableError) -> Grouping? {
        guard let value = self[.by] else { return nil }
        let text = try Self.text(value, .by)
        guard let grouping = Grouping(rawValue: text) else {
            let known = Grouping.allCases.map(\.rawValue).joined(separator: ", ")
            throw SQLTableError("by is one of \(known), not '\(TerminalText.escaped(Array(text.utf8)))'")
        }
        return grouping
    }

    /// Nanoseconds. Throws: `TimeSpanError`, `SQLTableError`.
    func every() throws -> Int64 {
        try TimeSpan.parse(self[.every].map { value throws(SQLTableError) in try Self.text(value, .every) } ?? "1m")
    }

    /// How many groups; nil: all. Throws: `SQLTableError`.
    func top() throws(SQLTableError) -> Int? {
        guard let value = self[.top] else { return nil }
        guard let count = Int(try Self.text(value, .top)), count >= 0 else {
            throw SQLTableError("top is how many groups are shown, such as 10")
        }
        return count
    }

    private func moment(_ option: CountingOption, _ context: TimeContext) throws -> String? {
        guard let value = self[option] else { return nil }
        if case .integer(let number) = value {
            return TimestampWriter.text(Instant(nanosecondsSinceEpoch: number))
        }
        let text = try Self.text(value, option)
        // As `time` of the table event compares it, and else as it is typed: -10m, today, boot.
        return MomentCollation.parse(Array(text.utf8)).map { TimestampWriter.text($0) } ?? text
    }

    private func flag(_ option: CountingOption) throws(SQLTableError) -> Bool {
        switch self[option] {
        case nil, .integer(0): return false
        case .integer(1): return true
        default: throw SQLTableError("\(option.rawValue) is TRUE or FALSE")
        }
    }

    private func texts(_ option: CountingOption) throws(SQLTableError) -> [String] {
        var texts: [String] = []
        for value in values[option] ?? [] { texts.append(try Self.text(value, option)) }
        return texts
    }

    private func names(_ option: CountingOption) -> [RawPath] {
        (values[option] ?? []).map { RawPath(Self.bytes($0)) }
    }

    private static func text(_ value: SQLValue, _ option: CountingOption) throws(SQLTableError) -> String {
        let bytes = bytes(value)
        guard UTF8Scanner.isValid(bytes) else { throw SQLTableError("\(option.rawValue) is no text") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func bytes(_ value: SQLValue) -> [UInt8] {
        switch value {
        case .null: []
        case .integer(let number): Array("\(number)".utf8)
        case .real(let number): Array("\(number)".utf8)
        case .text(let bytes), .blob(let bytes): bytes
        }
    }
}

extension SQLValue {
    /// As arguments are read: SQLite hands over the numbers of an IN as texts.
    fileprivate func isSame(as other: SQLValue) -> Bool {
        switch (self, other) {
        case (.integer(let number), .text(let text)), (.text(let text), .integer(let number)):
            text == Array(String(number).utf8)
        default: self == other
        }
    }
}
