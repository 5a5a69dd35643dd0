import Segment
import Store

/// Which kind of base image a database's history needs next: a whole one, or a rebase on the last known state.
///
/// Pure. Cost: after a gap, 8 bytes a page until there is a state again.
struct BaseImagePolicy {
    /// A state that leads back to a whole base image in the store.
    struct KnownState {
        var commit: UInt64
        var hashes: PageHashes
    }

    /// The next whole image is due when the files since the last one take this many times its size, and at least so many
    /// bytes: a restore then reads a bounded part of the history, and what is older can be dropped.
    private static let factor: UInt64 = 4
    private static let leastByteCount: UInt64 = 16 << 20

    /// Of the last whole image's file, and of the segments and rebases since.
    private var wholeByteCount: UInt64 = 0
    private var byteCountSince: UInt64 = 0
    /// The last state before what is missing now; nil where there is none, and when another was built on it.
    private(set) var known: KnownState?
    /// What was recorded since the last image leads back to it, and it is in the store, or will be.
    private var isRooted = false
    private var isImageUnderWay = false

    init() {}

    /// Parameters: the rows of a stream, oldest first.
    init(_ segments: [SegmentRow], _ bases: [BaseImageRow]) {
        guard let whole = bases.last(where: { $0.builtOn == nil }) else { return }
        wholeByteCount = whole.byteCount
        for row in segments where row.lastCommit > whole.commit { byteCountSince &+= row.byteCount }
        for row in bases where row.commit > whole.commit { byteCountSince &+= row.byteCount }
    }

    var isWholeDue: Bool { byteCountSince >= max(Self.leastByteCount, Self.factor * wholeByteCount) }

    /// What a copy is to be compared with; nil where all of it is to be kept.
    var comparedHashes: PageHashes? { isWholeDue ? nil : known?.hashes }

    mutating func note(_ row: SegmentRow) { byteCountSince &+= row.byteCount }

    /// Commits are missing behind this state.
    mutating func breakOff(behind state: KnownState) {
        if isRooted { known = state }
    }

    /// The recorder before left this state, and commits are missing behind it.
    mutating func resume(behind state: KnownState) { known = state }

    /// What a rebase has to hold; nil where an image is to be whole: it is due, no state is known, or more than half of the
    /// pages changed.
    ///
    /// Parameters: `hashes` of the copy's state; `isSparse`: the copy has only pages that changed since the known state.
    func changes(to hashes: PageHashes, isSparse: Bool) -> PageChanges? {
        guard let known, isSparse || !isWholeDue else { return nil }
        let changes = PageChanges(since: known.hashes, builtOn: known.commit, to: hashes)
        return isSparse || changes.pages.count <= Int(hashes.pageCount) / 2 ? changes : nil
    }

    /// An image is being written, and commits build on it already.
    mutating func begin(isWhole: Bool) {
        known = nil
        isRooted = true
        isImageUnderWay = true
        if isWhole { byteCountSince = 0 }
    }

    /// It is in the store.
    mutating func note(_ row: BaseImageRow) {
        isImageUnderWay = false
        if row.builtOn == nil { wholeByteCount = row.byteCount } else { byteCountSince &+= row.byteCount }
    }

    /// It will not be: whatever was built on it leads nowhere.
    mutating func fail() {
        known = nil
        isRooted = false
        isImageUnderWay = false
    }

    /// What the next recorder can build on. Parameter last: the state now, where it is known.
    func left(_ last: KnownState?) -> KnownState? {
        guard !isImageUnderWay else { return nil }
        return isRooted ? last ?? known : known
    }
}
