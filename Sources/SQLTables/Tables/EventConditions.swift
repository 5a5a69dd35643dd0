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
    /// Each condition on paths that a pattern can say: the alternatives, and whether they are of the target.
    private var patterns: [(globs: [Glob], isTarget: Bool)] = []
    /// The last bounds on each of the two.
    private var lows: [Bool: [UInt8]] = [:]
    private var highs: [Bool: [UInt8]] = [:]

    /// Throws: `SQLTableError` for a moment or an operation that is none.
    init(_ conditions: [Condition], columns: [SQLColumn]) throws(SQLTableError) {
        var numbers = IntegerBounds()
        var nanoseconds = IntegerBounds()
        var moments = MomentBounds()
        for condition in conditions {
            guard let column = EventTable.Column(rawValue: condition.column) else { continue }
            switch column {
            case .seq: numbers.narrow(condition.op, condition.value)
            case .timeNs: nanoseconds.narrow(condition.op, condition.value)
            case .time: try moments.narrow(condition.op, condition.value)
            case .earliest:
                // An event is not read before it may have happened.
                try moments.narrow(condition.op == .equal ? .greaterOrEqual : condition.op, condition.value)
            case .op: try narrowOperations(condition)
            case .path, .target: narrowPaths(condition, isTarget: column == .target)
            case .pid:
                selection.pids = Set(Self.numbers(condition).compactMap { Int32(exactly: $0) })
                if selection.pids.isEmpty { isEmpty = true }
            case .uid:
                selection.userIDs = Set(Self.numbers(condition).compactMap { UInt32(exactly: $0) })
                if selection.userIDs.isEmpty { isEmpty = true }
            case .loginuid:
                selection.loginUserIDs = Set(Self.numbers(condition).compactMap { UInt32(exactly: $0) })
                if selection.loginUserIDs.isEmpty { isEmpty = true }
            case .exe: selection.exes = Self.all(condition) { PathPattern.equal($0) }
            case .comm: selection.comms = Self.all(condition) { PathPattern.word($0) }
            case .container: selection.containers = Self.all(condition) { PathPattern.word($0) }
            case .unit: selection.units = Self.all(condition) { PathPattern.word($0) }
            default: break
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

    private mutating func narrowPaths(_ condition: Condition, isTarget: Bool) {
        switch (condition.op, condition.value) {
        case (.equal, _):
            patterns.append((Self.all(condition) { PathPattern.equal($0) }, isTarget))
        case (.glob, .text(let pattern)):
            if let glob = PathPattern.glob(pattern) { patterns.append(([glob], isTarget)) }
        case (.like, .text(let pattern)):
            if let glob = PathPattern.like(pattern) { patterns.append(([glob], isTarget)) }
        case (.greater, .text(let low)), (.greaterOrEqual, .text(let low)): lows[isTarget] = low
        case (.less, .text(let high)), (.lessOrEqual, .text(let high)): highs[isTarget] = high
        default: break
        }
    }

    /// A selection holds two lists of patterns which one of an event's two paths must both match: so they may only be of
    /// one column, and the two that say most are taken.
    private mutating func choosePatterns() {
        for isTarget in [false, true] {
            if let low = lows[isTarget], let high = highs[isTarget], let glob = PathPattern.range(from: low, to: high) {
                patterns.append(([glob], isTarget))
            }
        }
        let useful = patterns.filter { !$0.globs.isEmpty }
        let ofPath = useful.filter { !$0.isTarget }
        let ranked = (ofPath.isEmpty ? useful : ofPath).map(\.globs).sorted {
            PathPattern.rank($0) < PathPattern.rank($1)
        }
        if let first = ranked.first { selection.paths = first }
        if let second = ranked.dropFirst().first { selection.directories = second }
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
