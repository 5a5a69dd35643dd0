/// How many events each group has, in each bucket of time and over all.
///
/// Memory: twice `maximumCellCount` cells. Where there are more, only the groups' totals are counted on; a second look for the
/// groups that are shown then has room.
package struct HistogramCounts {
    /// What would be no answer to read, or too much to hold.
    package enum Refusal: Error {
        case buckets
        case cells(Int)

        /// For people. Parameters: what the length of a bucket and the number of groups are called where it was asked.
        package func text(every: String, limit: String) -> String {
            switch self {
            case .buckets:
                "more than \(maximumBucketCount) buckets: choose a longer \(every) or a shorter range"
            case .cells(let count):
                "more than \(count) counts: choose a longer \(every), a shorter range or a smaller \(limit)"
            }
        }
    }

    struct Cell {
        var bucket: Int64
        var group: Int
        var count: UInt64

        func isBefore(_ other: Cell) -> Bool { (bucket, group) < (other.bucket, other.group) }
    }

    /// More buckets than this between the first and the last event would be no answer to read.
    static let maximumBucketCount: Int64 = 100_000
    /// Of as many groups as are shown without a limit, every bucket has room.
    static let maximumCellCount = 1_000_000

    /// Empty where it is not whole. Each once after `finish`, in order of bucket and group; before, those that were not met
    /// one after the other stand several times.
    private(set) var cells: [Cell] = []
    /// False where there were too many cells.
    private(set) var isWhole = true
    /// From where on cells may stand several times.
    private var mergedCount = 0
    private var tally = GroupCounts()
    /// By group.
    var totals: [UInt64] { tally.counts }
    /// How many events are of groups that are not held.
    var beyondCount: UInt64 { tally.beyondCount }
    /// From the first event to the last one.
    private(set) var buckets: ClosedRange<Int64>?
    /// Why this can be no answer; nothing is counted since.
    private(set) var refusal: Refusal?
    private let groups: Set<Int>?
    private let maximumCellCount: Int

    /// Parameter groups: those whose cells are counted; nil for all.
    init(of groups: Set<Int>? = nil, maximumCellCount: Int?) {
        self.groups = groups
        self.maximumCellCount = maximumCellCount ?? Self.maximumCellCount
    }

    mutating func add(_ count: UInt64, bucket: Int64, group: Int) {
        guard refusal == nil, widen(to: bucket) else { return }
        tally.add(count, group)
        guard group != GroupKeys.beyond, isWhole, groups?.contains(group) ?? true else { return }
        cells.append(Cell(bucket: bucket, group: group, count: count))
        // Merging takes time for each cell, so as many new ones have to come before it is done again.
        if cells.count - mergedCount > maximumCellCount { mergeCells() }
    }

    /// After the last event.
    mutating func finish() { mergeCells() }

    private mutating func mergeCells() {
        guard isWhole else { return }
        cells.sort { $0.isBefore($1) }
        var kept = 0
        for index in cells.indices.dropFirst() {
            let cell = cells[index]
            if cells[kept].isBefore(cell) {
                kept += 1
                cells[kept] = cell
            } else {
                cells[kept].count += cell.count
            }
        }
        cells.removeLast(cells.isEmpty ? 0 : cells.count - kept - 1)
        mergedCount = cells.count
        if cells.count > maximumCellCount { giveUpCells() }
    }

    private mutating func widen(to bucket: Int64) -> Bool {
        if let buckets, buckets.contains(bucket) { return true }
        let low = min(buckets?.lowerBound ?? bucket, bucket)
        let high = max(buckets?.upperBound ?? bucket, bucket)
        let (difference, overflow) = high.subtractingReportingOverflow(low)
        guard !overflow, difference < Self.maximumBucketCount else {
            refusal = .buckets
            return false
        }
        buckets = low...high
        return true
    }

    private mutating func giveUpCells() {
        isWhole = false
        cells = []
        if groups != nil {
            refusal = .cells(maximumCellCount)
        }
    }
}
