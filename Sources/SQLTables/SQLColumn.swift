/// A column of a virtual table, and which conditions on it the table can use.
struct SQLColumn: Sendable {
    enum Kind: String, Sendable {
        case integer = "INTEGER"
        case text = "TEXT"
        /// Compared as moments, however they are written.
        case moment = "TEXT COLLATE varve_moment"
        /// An argument of the table, not a value of its rows.
        case argument = "TEXT HIDDEN"
    }

    /// What can be done with conditions on the column.
    enum Push: Sendable {
        case none
        /// Integers: `=`, `<`, `<=`, `>`, `>=`, exactly.
        case range
        /// Moments: the same.
        case moments
        /// Moments: only what bounds them from below, as a first sieve.
        case lowerMoment
        /// Integers: `=` and IN, exactly.
        case number
        /// Texts: `=` and IN, as a first sieve.
        case word
        /// Paths: `=`, IN, GLOB, LIKE and ranges that have a common beginning, as a first sieve.
        case path
        /// Names of operations: `=`, IN as a first sieve, MATCH exactly.
        case operations
        /// The table's argument.
        case argument
        /// Another one, which chooses what is counted: `=`, exactly; every other condition is refused.
        case option
        /// The same, where all values of an IN are one question.
        case alternatives
    }

    let name: String
    let kind: Kind
    let push: Push

    init(_ name: String, _ kind: Kind, _ push: Push = .none) {
        self.name = name
        self.kind = kind
        self.push = push
    }

    /// Whether a condition is used, and whether SQLite need not check it again.
    func use(_ op: ConditionOperator) -> (isUsed: Bool, isExact: Bool) {
        switch (push, op) {
        case (.range, .equal), (.range, .less), (.range, .lessOrEqual), (.range, .greater), (.range, .greaterOrEqual):
            (true, true)
        case (.moments, .equal), (.moments, .less), (.moments, .lessOrEqual), (.moments, .greater),
            (.moments, .greaterOrEqual):
            (true, true)
        case (.lowerMoment, .equal), (.lowerMoment, .greater), (.lowerMoment, .greaterOrEqual): (true, false)
        case (.number, .equal): (true, true)
        case (.word, .equal): (true, false)
        case (.path, .equal), (.path, .glob), (.path, .like), (.path, .less), (.path, .lessOrEqual), (.path, .greater),
            (.path, .greaterOrEqual):
            (true, false)
        case (.operations, .equal): (true, false)
        case (.operations, .match): (true, true)
        case (.argument, .equal), (.option, .equal), (.alternatives, .equal): (true, true)
        default: (false, false)
        }
    }

    /// The collation that a comparison must have to be used.
    var collation: String {
        kind == .moment ? MomentCollation.name : "BINARY"
    }

    /// Whether it is an argument that chooses what is counted.
    var isOption: Bool {
        switch push {
        case .option, .alternatives: true
        default: false
        }
    }
}

/// The operators that SQLite hands over. https://www.sqlite.org/c3ref/c_index_constraint_eq.html
///
/// Limit and offset are of SQLite 3.38 and come only from hosts that know them.
enum ConditionOperator: Int32, Sendable {
    case equal = 2
    case greater = 4
    case lessOrEqual = 8
    case less = 16
    case greaterOrEqual = 32
    case match = 64
    case like = 65
    case glob = 66
    case limit = 73
    case offset = 74

    /// How any operator that SQLite hands over is written, also those that no table uses.
    static func symbol(_ number: Int32) -> String {
        if let op = ConditionOperator(rawValue: number) { return op.symbol }
        let others: [Int32: String] = [
            67: "REGEXP", 68: "<>", 69: "IS NOT", 70: "IS NOT NULL", 71: "IS NULL", 72: "IS",
        ]
        return others[number] ?? "of a function"
    }

    var symbol: String {
        switch self {
        case .equal: "="
        case .greater: ">"
        case .lessOrEqual: "<="
        case .less: "<"
        case .greaterOrEqual: ">="
        case .match: "MATCH"
        case .like: "LIKE"
        case .glob: "GLOB"
        case .limit: "LIMIT"
        case .offset: "OFFSET"
        }
    }
}

/// A condition that a scan is started with. Of several values any one may match.
struct Condition: Hashable, Sendable {
    /// LIMIT or OFFSET.
    var isBound: Bool { op == .limit || op == .offset }

    var column: Int
    var op: ConditionOperator
    var values: [SQLValue]

    /// The value of an operator that takes one; NULL compares with nothing.
    var value: SQLValue { values.first ?? .null }
}
