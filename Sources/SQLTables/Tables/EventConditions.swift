internal import Model
internal import Query

/// The conditions of a scan of events as a selection and a range of numbers.
///
/// What is exact in `SQLColumn.use` is exact here; the rest selects at least what SQLite would.
struct EventConditions {
    private(set) var selection = Selection()
    private(set) var sequences: ClosedRange<UInt64> = 0...UInt64.max
    /// True when no event can match.
    private(set) var isEmpty = false
    /// For each condition whether it narrows what is looked through; the others are only checked by SQLite.
    private(set) var narrows: [Bool]
    /// Conditions on paths that a pattern can say: the alternatives, whether they are of the target, and which conditions they
    /// are.
    private var patterns: [(globs: [Glob], isTarget: Bool, places: [Int])] = []
    /// The last bounds on each of the two.
    private var lows: [Bool: (path: [UInt8], place: Int)] = [:]
    private var highs: [Bool: (path: [UInt8], place: Int)] = [:]
    /// Of columns for which the selection has one list, the condition that it is from.
    private var places: [EventTable.Column: Int] = [:]

    /// Throws: `SQLTableError` for a moment or an operation that is none.
    init(_ conditions: [Condition], columns: [SQLColumn]) throws(SQLTableError) {
        var numbers = IntegerBounds()
        var nanoseconds = IntegerBounds()
        var moments = MomentBounds()
        narrows = Array(repeating: false, count: conditions.count)
        for (place, condition) in conditions.enumerated() {
            guard let column = EventTable.Column(rawValue: condition.column) else { continue }
            switch column {
            case .seq: numbers.narrow(condition.op, condition.value, &narrows[place])
            case .timeNs: nanoseconds.narrow(condition.op, condition.value, &narrows[place])
            case .time: try moments.narrow(condition.op, condition.value, &narrows[place])
            case .earliest:
                // An event is not read before it may have happened.
                let op = condition.op == .equal ? .greaterOrEqual : condition.op
                try moments.narrow(op, condition.value, &narrows[place])
            case .op:
                try narrowOperations(condition)
                take(place, of: column)
            case .path, .target: narrowPaths(condition, isTarget: column == .target, place)
            default: narrowProcesses(condition, column, place)
            }
        }
        moments.narrow(nanoseconds)
        selection.since = moments.since
        selection.until = moments.until
        if moments.isEmpty || numbers.isEmpty || numbers.high < 0 {
            isEmpty = true
        } else {
            sequences = UInt64(max(0, numbers.low))...(numbers.high == .max ? .max : UInt64(numbers.high))
        }
        choosePatterns()
    }

    /// The condition is what the selection has of the column now.
    private mutating func take(_ place: Int, of column: EventTable.Column) {
        if let other = places.updateValue(place, forKey: column) { narrows[other] = false }
        narrows[place] = true
    }

    private mutating func narrowProcesses(_ condition: Condition, _ column: EventTable.Column, _ place: Int) {
        func numbers<Number: FixedWidthInteger>() -> Set<Number> {
            Set(Self.numbers(condition).compactMap { Number(exactly: $0) })
        }
        let isUsed: Bool
        switch column {
        case .pid:
            selection.pids = numbers()
            if selection.pids.isEmpty { isEmpty = true }
            isUsed = true
        case .uid:
            selection.userIDs = numbers()
            if selection.userIDs.isEmpty { isEmpty = true }
            isUsed = true
        case .loginuid:
            selection.loginUserIDs = numbers()
            if selection.loginUserIDs.isEmpty { isEmpty = true }
            isUsed = true
        case .exe: isUsed = Self.replace(&selection.exes, by: Self.all(condition) { PathPattern.equal($0) })
        case .comm: isUsed = Self.replace(&selection.comms, by: Self.all(condition) { PathPattern.word($0) })
        case .container: isUsed = Self.replace(&selection.containers, by: Self.all(condition) { PathPattern.word($0) })
        case .unit: isUsed = Self.replace(&selection.units, by: Self.all(condition) { PathPattern.word($0) })
        default: isUsed = false
        }
        if isUsed { take(place, of: column) }
    }

    /// False where there is nothing that would narrow.
    private static func replace(_ globs: inout [Glob], by others: [Glob]) -> Bool {
        guard !others.isEmpty else { return false }
        globs = others
        return true
    }

    private mutating func narrowOperations(_ condition: Condition) throws(SQLTableError) {
        guard condition.value != .null || condition.values.count > 1 else {
            isEmpty = true
            return
        }
        if condition.op == .match {
            selection.operations = try OperationText.asked(condition.value)
        } else {
            selection.operations = condition.values.reduce(into: []) { mask, value in
                if case .text(let text) = value { mask.formUnion(OperationText.mask(text)) }
            }
        }
        if selection.operations.isEmpty { isEmpty = true }
    }

    private mutating func narrowPaths(_ condition: Condition, isTarget: Bool, _ place: Int) {
        switch (condition.op, condition.value) {
        case (.equal, _):
            patterns.append((Self.all(condition) { PathPattern.equal($0) }, isTarget, [place]))
        case (.glob, .text(let pattern)):
            if let glob = PathPattern.glob(pattern) { patterns.append(([glob], isTarget, [place])) }
        case (.like, .text(let pattern)):
            if let glob = PathPattern.like(pattern) { patterns.append(([glob], isTarget, [place])) }
        case (.greater, .text(let low)), (.greaterOrEqual, .text(let low)): lows[isTarget] = (low, place)
        case (.less, .text(let high)), (.lessOrEqual, .text(let high)): highs[isTarget] = (high, place)
        default: break
        }
    }

    /// A selection holds two lists of patterns which one of an event's two paths must both match: so they may only be of
    /// one column, and the two that say most are taken.
    private mutating func choosePatterns() {
        for isTarget in [false, true] {
            if let low = lows[isTarget], let high = highs[isTarget],
                let glob = PathPattern.range(from: low.path, to: high.path)
            {
                patterns.append(([glob], isTarget, [low.place, high.place]))
            }
        }
        let useful = patterns.filter { !$0.globs.isEmpty }
        let ofPath = useful.filter { !$0.isTarget }
        let ranked = (ofPath.isEmpty ? useful : ofPath).sorted {
            PathPattern.rank($0.globs) < PathPattern.rank($1.globs)
        }
        if let first = ranked.first { selection.paths = first.globs }
        if let second = ranked.dropFirst().first { selection.directories = second.globs }
        for place in ranked.prefix(2).flatMap(\.places) { narrows[place] = true }
    }

    /// Those of `conditions` that narrow a scan of events; all of them where they cannot be understood.
    static func narrowing(_ conditions: [Condition]) -> [Condition] {
        guard let narrowed = try? EventConditions(conditions, columns: EventTable.kind.columns) else {
            return conditions
        }
        return zip(conditions, narrowed.narrows).filter(\.1).map(\.0)
    }

    /// The whole numbers among the values; nothing else equals a number.
    static func numbers(_ condition: Condition) -> [Int64] {
        condition.values.compactMap { value in
            var bounds = IntegerBounds()
            bounds.narrow(.equal, value)
            return bounds.isEmpty ? nil : bounds.low
        }
    }

    /// Patterns for all values; empty, which asks for everything, where one has none.
    private static func all(_ condition: Condition, _ pattern: ([UInt8]) -> Glob?) -> [Glob] {
        var globs: [Glob] = []
        for value in condition.values {
            switch value {
            case .text(let bytes), .blob(let bytes):
                guard let glob = pattern(bytes) else { return [] }
                globs.append(glob)
            // A column of texts equals a number where it is the same digits.
            case .integer, .real: return []
            case .null: continue
            }
        }
        return globs
    }
}
