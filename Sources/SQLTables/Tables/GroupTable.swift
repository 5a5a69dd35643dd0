internal import Query
internal import Store

/// The table `event_group`: one row a group with its number of events, as `varve top` counts them. Columns: docs/sql.md.
enum GroupTable {
    static let kind: TableKind = TableKind(
        name: "event_group", columns: Column.allCases.map(\.definition) + CountingOption.columns([.by]),
        orderColumn: nil, rankColumn: Column.events.rawValue, rowGuess: 1_000, startCost: TableKind.countingCost,
        makeCursor: { GroupCursor($0, kind) })

    enum Column: Int, CaseIterable {
        case name, instance, events

        var definition: SQLColumn { SQLColumn("\(self)", self == .name ? .text : .integer) }
    }
}

private final class GroupCursor: CountingCursor {
    private var groups: TopGroups?

    override func count(_ selection: Selection, in reader: StoreReader, _ request: FilterRequest) throws -> Int {
        groups = nil
        let grouping = try asked { try arguments.grouping() } ?? .path
        // SQLite sorts what it is given, by whatever stands behind the number of events, so ties all come.
        let groups = try TopGroups(
            grouping, in: reader, request.rankLimit.map { .firstWithTies($0) } ?? .all
        ) { scan(selection, in: reader) }
        try conclude(groups.scan, doubt: groups.doubt)
        self.groups = groups
        return groups.rows.count
    }

    override func cell(_ column: Int) -> SQLValue {
        guard let groups, let column = GroupTable.Column(rawValue: column) else { return .null }
        let (group, count) = groups.rows[row]
        return switch column {
        case .name: groups.keys.value(group)
        case .instance: .optional(groups.keys.instance(group))
        case .events: .integer(count)
        }
    }
}

extension GroupKeys {
    /// What a group is called; of a process what `varve top` calls it, `comm[PID] EXE`.
    func value(_ group: Int) -> SQLValue {
        instance(group) == nil ? .bytes(name(group)) : .bytes(label(group))
    }
}
