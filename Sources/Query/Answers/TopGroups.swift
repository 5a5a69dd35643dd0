package import Store

/// The groups that have the most events of a selection, or all that have some.
package struct TopGroups {
    /// How many come out.
    package enum Extent: Sendable {
        /// So many, the most events first; of equal ones those whose names come first.
        case first(Int)
        /// So many, and all others that have as many events as the last of them; in any order.
        case firstWithTies(Int)
        /// All, in any order.
        case all
    }

    package let rows: [(group: Int, count: UInt64)]
    package let keys: GroupKeys
    /// Events of all groups, with those that are not among the rows.
    let totalCount: UInt64
    /// How many groups that are held have events; nil where that was not found out.
    let groupCount: Int?
    /// Events of groups that are not held.
    let beyondCount: UInt64
    /// Why the rows may be the wrong groups, or not all; nil where they are not.
    package let doubt: Completeness.Reason?
    /// The scan that all was counted by.
    package let scan: Scan

    /// Parameters: `maximumByteCount` is of the groups' table, nil being `GroupKeys.maximumByteCount`; `makeScan` makes a
    /// scan of the selection, for each way that is tried.
    package init(
        _ grouping: Grouping, in reader: StoreReader, _ extent: Extent, maximumByteCount: Int? = nil,
        _ makeScan: () -> Scan
    ) throws(StoreError) {
        let maximumByteCount = maximumByteCount ?? GroupKeys.maximumByteCount
        if grouping == .path, let limit = extent.limit, 1...TopPaths.greatestLimit ~= limit {
            var scan = makeScan()
            var paths = TopPaths(reader, limit: limit, withTies: extent.hasTies, maximumByteCount: maximumByteCount)
            var answer = try paths.find(scan)
            if answer == nil, paths.hasSummaries {
                scan = makeScan()
                paths = TopPaths(
                    reader, limit: limit, withTies: extent.hasTies, askingBlocks: false,
                    maximumByteCount: maximumByteCount)
                answer = try paths.find(scan)
            }
            if let found = answer {
                var keys = try GroupKeys(.path, in: reader)
                rows = found.map { (group: keys.group(ofPath: $0.name), count: $0.count) }
                self.keys = keys
                (totalCount, groupCount, beyondCount) = (paths.totalCount, nil, 0)
                doubt = nil
                self.scan = scan
                return
            }
        }
        let scan = makeScan()
        var tally = try GroupTally(grouping, in: reader, for: scan, maximumByteCount: maximumByteCount)
        try tally.add(scan)
        rows =
            switch extent {
            case .first(let limit): tally.greatest(limit)
            case .firstWithTies(let limit): tally.greatestWithTies(limit)
            case .all: tally.all
            }
        (keys, groupCount, beyondCount) = (tally.keys, tally.groupCount, tally.beyondCount)
        totalCount = tally.counts.reduce(tally.beyondCount, +)
        doubt = tally.doubt(rows, limit: extent.limit)
        self.scan = scan
    }
}

extension TopGroups.Extent {
    fileprivate var limit: Int? {
        switch self {
        case .first(let limit), .firstWithTies(let limit): limit
        case .all: nil
        }
    }

    fileprivate var hasTies: Bool {
        if case .firstWithTies = self { true } else { false }
    }
}
