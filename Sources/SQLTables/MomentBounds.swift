internal import Model

/// The moments that conditions leave: `since` ≤ moment < `until`.
struct MomentBounds: Hashable {
    private(set) var since: Instant?
    private(set) var until: Instant?
    private(set) var isEmpty = false

    /// Throws: `SQLTableError` for a text that is no moment.
    mutating func narrow(_ op: ConditionOperator, _ value: SQLValue) throws(SQLTableError) {
        guard value != .null else {
            isEmpty = true
            return
        }
        let moment = try Self.moment(value)
        // The last moment of all is nobody's: what lies behind it cannot be asked for.
        let next = moment.advanced(byNanoseconds: 1)
        switch op {
        case .equal:
            after(moment)
            before(next)
        case .greaterOrEqual: after(moment)
        case .greater: after(next)
        case .less: before(moment)
        case .lessOrEqual: before(next)
        default: break
        }
    }

    /// The same; `hasNarrowed` becomes whether it left less than there was. Throws: as the same.
    mutating func narrow(
        _ op: ConditionOperator, _ value: SQLValue, _ hasNarrowed: inout Bool
    ) throws(SQLTableError) {
        let before = self
        try narrow(op, value)
        hasNarrowed = self != before
    }

    /// As nanoseconds since 1970.
    mutating func narrow(_ bounds: IntegerBounds) {
        if bounds.isEmpty { isEmpty = true }
        if bounds.low > .min { after(Instant(nanosecondsSinceEpoch: bounds.low)) }
        if bounds.high < .max { before(Instant(nanosecondsSinceEpoch: bounds.high).advanced(byNanoseconds: 1)) }
    }

    private mutating func after(_ moment: Instant) {
        since = max(since ?? moment, moment)
        check()
    }

    private mutating func before(_ moment: Instant) {
        until = min(until ?? moment, moment)
        check()
    }

    private mutating func check() {
        if let since, let until, since >= until { isEmpty = true }
    }

    private static func moment(_ value: SQLValue) throws(SQLTableError) -> Instant {
        switch value {
        case .integer(let number): return Instant(nanosecondsSinceEpoch: number)
        case .text(let bytes):
            if let moment = MomentCollation.parse(bytes) { return moment }
        default: break
        }
        throw SQLTableError(
            "that is no moment; accepted are '2026-11-23T13:00:00.5Z', '2026-11-23 13:00' (UTC), "
                + "'2026-11-23T13:00+01:00', '2026-11-23', '@1795305600', nanoseconds since 1970 as an integer, and "
                + "what datetime('now', '-10 minutes') gives")
    }
}
