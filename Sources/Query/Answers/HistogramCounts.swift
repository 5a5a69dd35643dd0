/// How many events each group has, in each bucket of time and over all.
///
/// Memory: `maximumCellCount` cells. Where there are more, only the groups' totals are counted on; a second look for the
/// groups that are shown then has room.
struct HistogramCounts {
    struct Cell: Hashable {
        var bucket: Int64
        var group: Int
    }

    /// More buckets than this between the first and the last event would be no answer to read.
    static let maximumBucketCount: Int64 = 100_000
    /// Of as many groups as are shown without a limit, every bucket has room.
    static let maximumCellCount = 1_000_000

    /// Empty where it is not whole.
    private(set) var cells: [Cell: UInt64] = [:]
    /// False where there were too many cells.
    private(set) var isWhole = true
    private var tally = GroupCounts()
    /// By group.
    var totals: [UInt64] { tally.counts }
    /// How many events are of groups that are not held.
    var beyondCount: UInt64 { tally.beyondCount }
    /// From the first event to the last one.
    private(set) var buckets: ClosedRange<Int64>?
    /// Why this can be no answer; nothing is counted since.
    private(set) var refusal: UsageError?
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
        cells[Cell(bucket: bucket, group: group), default: 0] += count
        if cells.count > maximumCellCount { giveUpCells() }
    }

    private mutating func widen(to bucket: Int64) -> Bool {
        if let buckets, buckets.contains(bucket) { return true }
        let low = min(buckets?.lowerBound ?? bucket, bucket)
        let high = max(buckets?.upperBound ?? bucket, bucket)
        let (difference, overflow) = high.subtractingReportingOverflow(low)
        guard !overflow, difference < Self.maximumBucketCount else {
            refusal = UsageError(
                "more than \(Self.maximumBucketCount) buckets: choose a longer --every or a shorter range")
            return false
        }
        buckets = low...high
        return true
    }

    private mutating func giveUpCells() {
        isWhole = false
        cells = [:]
        if groups != nil {
            refusal = UsageError(
                "more than \(maximumCellCount) counts: choose a longer --every, a shorter range or a smaller --limit")
        }
    }
}
