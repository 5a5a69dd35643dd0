/// Which conditions a scan will be given, in the order of its arguments: what xBestIndex leaves for xFilter.
struct QueryPlan: Hashable {
    struct Term: Hashable {
        var column: Int
        var op: ConditionOperator
        /// All values of an IN come as one argument.
        var isList = false
    }

    var terms: [Term] = []
    var isReversed = false
    /// Limit and offset only say how many of the greatest are needed: SQLite still sorts and counts.
    var isRanked = false
    var usedColumns: UInt64 = .max

    init() {}

    /// `ORDER COLUMNS COLUMN,OP,LIST…`, numbers separated by spaces; ORDER is 1 for reversed, 2 for ranked, else 0.
    var text: String {
        let terms = terms.map { " \($0.column),\($0.op.rawValue),\($0.isList ? 1 : 0)" }.joined()
        return "\(isReversed ? 1 : isRanked ? 2 : 0) \(usedColumns)\(terms)"
    }

    /// Nil for a text that is none of this program's.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count >= 2, let used = UInt64(words[1]) else { return nil }
        isReversed = words[0] == "1"
        isRanked = words[0] == "2"
        usedColumns = used
        for word in words.dropFirst(2) {
            let parts = word.split(separator: ",")
            guard parts.count == 3, let column = Int(parts[0]), let number = Int32(parts[1]),
                let op = ConditionOperator(rawValue: number)
            else { return nil }
            terms.append(Term(column: column, op: op, isList: parts[2] == "1"))
        }
    }

    /// How many rows remain, guessed: only the proportions between plans matter.
    func rowGuess(_ kind: TableKind) -> Double {
        var rows = kind.rowGuess
        for term in terms where term.op != .limit && term.op != .offset {
            switch (kind.columns[term.column].push, term.op) {
            case (.argument, _), (.option, _), (.alternatives, _): break
            case (.range, .equal): rows = min(rows, term.column == kind.orderColumn ? 1 : rows / 100)
            case (.path, .equal): rows /= 10_000
            case (.path, _): rows /= 20
            case (_, .equal): rows /= 50
            default: rows /= 4
            }
        }
        return max(rows, 1)
    }
}
