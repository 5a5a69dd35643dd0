internal import Model
internal import Query

/// What the scans of a statement did: what they were narrowed by, what they read, what was missing.
///
/// Scans that differ only in their values (the inner ones of a join) are one entry. Thread: one.
package final class ScanTrace {
    /// The scans of one table with the same kinds of conditions.
    struct Entry {
        var table: String
        var store: RawPath
        /// The conditions of the first one, as text.
        var conditions: String
        var scanCount = 0
        var rowCount = 0
        var blockCount = 0
        var fetchedBlockCount = 0
        var groupCount = 0
        var crossingCount: UInt64 = 0
        fileprivate var key: String
    }

    private(set) var entries: [Entry] = []
    private(set) var damages: [Scan.Damage] = []
    /// Captured commits that are known to be missing, a line each.
    private(set) var missing: [String] = []
    var lostToPruning = false
    /// What was asked for of the store of the connection, for saying what is missing from it.
    private(set) var asked: AskedRange?
    /// Called before a scan of events reads a store; gives the number behind the last event of the connection's store that is
    /// looked at, if it is known.
    var willScan: (Selection) throws -> UInt64? = { _ in nil }
    /// That number.
    private(set) var endSequence: UInt64?
    /// Says how far a scan is.
    var progress: ProgressLine?

    package init() {}

    /// Notes a scan; gives its place in `entries`. Parameter bounds: LIMIT and OFFSET.
    func begin(_ kind: TableKind, _ request: FilterRequest, bounds: [Condition]) -> Int {
        let key =
            kind.name + (request.conditions + bounds).map { " \($0.column) \($0.op.rawValue)" }.joined()
            + (request.isReversed ? " reversed" : "")
        let place = entries.firstIndex { $0.key == key && $0.store == request.store } ?? entries.count
        if place == entries.count {
            var shown = request
            shown.conditions = kind.narrowing(request.conditions) + bounds
            entries.append(
                Entry(table: kind.name, store: request.store, conditions: Self.text(kind, shown), key: key))
        }
        entries[place].scanCount += 1
        return place
    }

    func add(_ place: Int, _ change: (inout Entry) -> Void) {
        guard entries.indices.contains(place) else { return }
        change(&entries[place])
    }

    func note(_ damage: Scan.Damage) {
        guard !damages.contains(where: { $0.firstSequence == damage.firstSequence }) else { return }
        damages.append(damage)
    }

    func note(missing text: String) {
        guard !missing.contains(text), missing.count < 1_000 else { return }
        missing.append(text)
    }

    func note(asked selection: Selection) throws {
        endSequence = try willScan(selection)
        if asked == nil { asked = AskedRange(selection) } else { asked?.extend(by: selection) }
    }

    /// One line an entry.
    package var lines: [String] {
        entries.map { entry in
            var line = "\(entry.table): "
            line += entry.conditions.isEmpty ? "nothing pushed down" : "pushed down \(entry.conditions)"
            if entry.scanCount > 1 { line += " (\(entry.scanCount) scans, the first one's values)" }
            if entry.blockCount > 0 {
                let skipped = max(0, entry.blockCount - entry.fetchedBlockCount)
                line += "; \(skipped) of \(entry.blockCount) blocks skipped, \(entry.groupCount) row groups used"
            }
            return line + "; \(entry.rowCount) rows"
        }
    }

    private static func text(_ kind: TableKind, _ request: FilterRequest) -> String {
        var words = request.conditions.map { condition in
            let values = condition.values.prefix(3).map(text).joined(separator: ", ")
            let isLong = condition.values.count > 3
            let list = condition.values.count == 1 ? values : "(\(values)\(isLong ? ", …" : ""))"
            let op = condition.values.count == 1 ? condition.op.symbol : "IN"
            let column = condition.op == .limit || condition.op == .offset ? "" : kind.columns[condition.column].name
            return column.isEmpty ? "\(op) \(list)" : "\(column) \(op) \(list)"
        }
        if request.isReversed { words.append("ORDER BY \(kind.columns[kind.orderColumn ?? 0].name) DESC") }
        if request.rankLimit != nil { words.append("ORDER BY \(kind.columns[kind.rankColumn ?? 0].name) DESC") }
        return words.joined(separator: ", ")
    }

    private static func text(_ value: SQLValue) -> String {
        switch value {
        case .null: "NULL"
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .text(let bytes): "'\(TerminalText.escaped(bytes))'"
        case .blob(let bytes): "a BLOB of \(bytes.count) bytes"
        }
    }
}

/// The least range and places that hold all that was asked for.
struct AskedRange {
    private(set) var since: Instant?
    private(set) var until: Instant?
    private(set) var scopes: [RawPath]?
    /// The places that scans asked for by name.
    private(set) var places: [AskedPlaces]
    /// The operations that scans asked for by name.
    private(set) var operations: EventMask

    /// More places are as good as everywhere.
    private static let maximumScopeCount = 1_000

    init(_ selection: Selection) {
        since = selection.since
        until = selection.until
        scopes = selection.scopes
        places = selection.askedPlaces
        operations = selection.operations
    }

    mutating func extend(by selection: Selection) {
        since = since.flatMap { first in selection.since.map { min(first, $0) } }
        until = until.flatMap { last in selection.until.map { max(last, $0) } }
        places += selection.askedPlaces
        operations.formUnion(selection.operations)
        if places.count > Self.maximumScopeCount { places = [.everywhere] }
        guard let known = scopes, let more = selection.scopes else {
            scopes = nil
            return
        }
        let joined = known + more.filter { !known.contains($0) }
        scopes = joined.count > Self.maximumScopeCount ? nil : joined
    }
}
