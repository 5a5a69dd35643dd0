internal import CSQLite

extension QueryPlan {
    /// SQLITE_CONSTRAINT: the table's argument depends on a table that is not read yet, so this plan is of no use.
    static let isUnusable = SQLITE_CONSTRAINT

    /// Chooses among the conditions of a statement. https://www.sqlite.org/vtab.html#the_xbestindex_method
    ///
    /// Returns: a result code of SQLite. Throws: `SQLTableError` for a condition on an argument that nobody could check.
    static func choose(
        _ module: TableModule, _ information: UnsafeMutablePointer<sqlite3_index_info>
    ) throws(SQLTableError) -> Int32 {
        let kind = module.kind
        var plan = QueryPlan()
        var options: Set<Int> = []
        if kind.columns.contains(where: { $0.isOption }) {
            // SAFETY: the information lives for the call.
            guard let given = try unsafe Self.options(module, information) else { return isUnusable }
            options = given
        }
        // Limit and offset may only be used where nothing else is left to check.
        var isEverythingExact = true
        var bounds: [(index: Int, op: ConditionOperator)] = []
        // SAFETY: SQLite hands over arrays of the lengths it says, which live for the call.
        let count = unsafe Int(information.pointee.nConstraint)
        for index in 0..<count {
            let constraint = unsafe information.pointee.aConstraint[index]
            guard let op = ConditionOperator(rawValue: Int32(constraint.op)) else {
                isEverythingExact = false
                continue
            }
            if op == .limit || op == .offset {
                if constraint.usable != 0 { bounds.append((index, op)) } else { isEverythingExact = false }
                continue
            }
            let column = Int(constraint.iColumn)
            guard kind.columns.indices.contains(column) else {
                isEverythingExact = false
                continue
            }
            if constraint.usable == 0 {
                // What is not taken over here SQLite would hold against a row that has no such value.
                if column == kind.storeColumn || kind.columns[column].isOption { return isUnusable }
                isEverythingExact = false
                continue
            }
            let use = unsafe plan.use(op, of: column, at: Int32(index), kind, information)
            guard use.isUsed else {
                isEverythingExact = false
                continue
            }
            let isList = unsafe takesList(op, at: Int32(index), kind.columns[column], information)
            plan.terms.append(Term(column: column, op: op, isList: isList))
            unsafe information.pointee.aConstraintUsage[index].argvIndex = Int32(plan.terms.count)
            unsafe information.pointee.aConstraintUsage[index].omit = use.isExact ? 1 : 0
            if !use.isExact { isEverythingExact = false }
        }
        let isOrdered = unsafe plan.takeOrder(kind, information)
        let mayLimit = unsafe isEverythingExact && (isOrdered || information.pointee.nOrderBy == 0)
        for bound in bounds where mayLimit {
            plan.terms.append(Term(column: 0, op: bound.op))
            unsafe information.pointee.aConstraintUsage[bound.index].argvIndex = Int32(plan.terms.count)
            unsafe information.pointee.aConstraintUsage[bound.index].omit = 1
        }
        // Of arguments that depend on a table that is not read yet the same holds as of the store.
        for column in options where !plan.terms.contains(where: { $0.column == column }) { return isUnusable }
        if isEverythingExact, kind.rankColumn.map({ unsafe isRanked(by: $0, information) }) ?? false {
            plan.isRanked = true
            for bound in bounds {
                plan.terms.append(Term(column: 0, op: bound.op))
                unsafe information.pointee.aConstraintUsage[bound.index].argvIndex = Int32(plan.terms.count)
            }
        }
        unsafe plan.usedColumns = information.pointee.colUsed
        let rows = plan.rowGuess(kind)
        unsafe information.pointee.estimatedRows = Int64(rows)
        unsafe information.pointee.estimatedCost = rows + kind.startCost
        guard let text = unsafe SQLiteMemory.string(plan.text) else { return SQLITE_NOMEM }
        unsafe information.pointee.idxStr = text
        unsafe information.pointee.needToFreeIdxStr = 1
        return SQLITE_OK
    }

    /// The arguments that are given; nil where this is no way to read the table.
    ///
    /// An argument that is read without being given is compared by something that is not handed over, such as OR: SQLite would
    /// hold against it a row that counts all events.
    private static func options(
        _ module: TableModule, _ information: UnsafeMutablePointer<sqlite3_index_info>
    ) throws(SQLTableError) -> Set<Int>? {
        let kind = module.kind
        var given: Set<Int> = []
        var refused: (column: Int, operator: Int32)?
        // SAFETY: as in `choose`.
        for index in 0..<(unsafe Int(information.pointee.nConstraint)) {
            let constraint = unsafe information.pointee.aConstraint[index]
            let column = Int(constraint.iColumn)
            let number = Int32(constraint.op)
            guard number != ConditionOperator.limit.rawValue, number != ConditionOperator.offset.rawValue,
                kind.columns.indices.contains(column), kind.columns[column].isOption
            else { continue }
            guard number == ConditionOperator.equal.rawValue else {
                // SQLite makes ranges of a LIKE, beside the one that was written.
                if refused == nil || number >= ConditionOperator.match.rawValue { refused = (column, number) }
                continue
            }
            // SAFETY: as in `use`.
            let collation = unsafe sqlite3_vtab_collation(information, Int32(index)).map { unsafe String(cString: $0) }
            // That of moments comes with a column of moments on the other side.
            guard let collation, ["BINARY", MomentCollation.name.uppercased()].contains(collation.uppercased()) else {
                throw kind.refusal(of: column, "= … COLLATE \(collation ?? "?")")
            }
            given.insert(column)
        }
        if let refused { throw kind.refusal(of: refused.column, ConditionOperator.symbol(refused.operator)) }
        let used = unsafe information.pointee.colUsed
        let missing = kind.columns.indices.first { column in
            kind.columns[column].isOption && !given.contains(column) && used & (1 << UInt64(min(column, 63))) != 0
        }
        guard let missing else {
            module.plannedColumns = used
            return given
        }
        // After the whole condition SQLite asks for each side of an OR by itself, without what is outside of it.
        if unsafe information.pointee.nConstraint > 0, module.plannedColumns == used { return nil }
        throw kind.refusal(ofReading: missing)
    }

    /// True where the rows with the greatest numbers in `column` are wanted first.
    private static func isRanked(
        by column: Int, _ information: UnsafeMutablePointer<sqlite3_index_info>
    ) -> Bool {
        // SAFETY: the array has as many entries as SQLite says.
        guard unsafe information.pointee.nOrderBy > 0, let first = unsafe information.pointee.aOrderBy?.pointee else {
            return false
        }
        return Int(first.iColumn) == column && first.desc != 0
    }

    /// What can be done with a condition, given those that were taken before.
    private func use(
        _ op: ConditionOperator, of column: Int, at index: Int32, _ kind: TableKind,
        _ information: UnsafeMutablePointer<sqlite3_index_info>
    ) -> (isUsed: Bool, isExact: Bool) {
        let definition = kind.columns[column]
        let use = definition.use(op)
        guard use.isUsed else { return use }
        switch op {
        case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard definition.kind != .integer, !definition.isOption else { break }
            // SAFETY: the index is one of a constraint of this call; SQLite answers with a name that lives for the call.
            guard let collation = unsafe sqlite3_vtab_collation(information, index),
                unsafe String(cString: collation).uppercased() == definition.collation.uppercased()
            else { return (false, false) }
        default: break
        }
        // Of these a scan takes one; two of them would have to hold both.
        let isSingle =
            switch definition.push {
            case .operations, .number, .word: true
            case .argument: true
            default: false
            }
        return isSingle && terms.contains { $0.column == column } ? (false, false) : use
    }

    /// Lets SQLite hand over all values of an IN at once, where it can. https://www.sqlite.org/c3ref/vtab_in.html
    private static func takesList(
        _ op: ConditionOperator, at index: Int32, _ column: SQLColumn,
        _ information: UnsafeMutablePointer<sqlite3_index_info>
    ) -> Bool {
        guard op == .equal, HostVersion.hasLists else { return false }
        switch column.push {
        case .number, .word, .path, .operations, .alternatives:
            // SAFETY: the index is one of a constraint of this call.
            return unsafe sqlite3_vtab_in(information, index, 1) != 0
        default: return false
        }
    }

    /// Takes over ORDER BY where the rows come in that order by themselves.
    private mutating func takeOrder(
        _ kind: TableKind, _ information: UnsafeMutablePointer<sqlite3_index_info>
    ) -> Bool {
        // SAFETY: the array has as many entries as SQLite says.
        guard unsafe information.pointee.nOrderBy == 1, let first = unsafe information.pointee.aOrderBy?.pointee,
            let order = kind.orderColumn, Int(first.iColumn) == order
        else { return false }
        if first.desc != 0 {
            // A scan backwards starts at the end, whatever bounds it there are.
            guard !terms.contains(where: { $0.column == order }) else { return false }
            isReversed = true
        }
        unsafe information.pointee.orderByConsumed = 1
        return true
    }
}

/// What the SQLite that calls can do. Functions that it does not have must not be called.
enum HostVersion {
    /// sqlite3_vtab_in and its like came with 3.38.
    static var hasLists: Bool { sqlite3_libversion_number() >= 3_038_000 }
    /// sqlite3_vtab_collation came with 3.22, 64-bit lengths and the rest before.
    static let floor: Int32 = 3_022_000
}

/// Memory that SQLite frees.
enum SQLiteMemory {
    /// A C string; nil where there is no memory.
    static func string(_ text: String) -> UnsafeMutablePointer<CChar>? {
        let bytes = Array(text.utf8.filter { $0 != 0 })
        // SAFETY: the memory holds the bytes and the NUL behind them.
        guard let memory = unsafe sqlite3_malloc64(UInt64(bytes.count + 1)) else { return nil }
        let characters = unsafe memory.bindMemory(to: CChar.self, capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { unsafe characters[index] = CChar(bitPattern: byte) }
        unsafe characters[bytes.count] = 0
        return unsafe characters
    }
}
