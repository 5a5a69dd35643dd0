internal import Block
internal import Model

/// A merge under way: what is read so far lives in memory only, so a crash costs nothing but the work.
///
/// The order is read, encode, verify, swap; each `advance` deals with one row group, but for the end of the encoding.
// Sendable: the reader and the merger are made here, never handed out, and reached only through the one owner.
struct BlockMerge: ~Copyable, @unchecked Sendable {
    /// What is merged: all that was planned, unless memory ends it earlier.
    private(set) var plan: MergePlan
    /// What a merge may take in memory at its peak, reading, encoding and verifying included; a single source that needs more is
    /// merged all the same. The recorder itself takes some 35 MiB (docs/decisions/0004-store-layout.md).
    static let memoryByteLimit = 80 << 20
    /// The same of a merge below a segment: what it gives is decoded as a whole when it goes into one.
    static let levelOneMemoryByteLimit = 24 << 20

    private let memoryByteLimit: Int
    private var merger: BlockMerger?
    private var reader: BlockReader?
    private var position = 0
    private var rowGroup = 0
    /// The commits of all sources, in order.
    private var commits: [CommitRecord] = []
    private var encoded: EncodedBlock?
    private var verifier: BlockVerifier?
    private var isVerified = false

    /// `compressionLevel` is zstd's.
    init(plan: MergePlan, compressionLevel: Int32, filterKey: FilterKey) {
        self.plan = plan
        memoryByteLimit = plan.level < 2 ? Self.levelOneMemoryByteLimit : Self.memoryByteLimit
        merger = BlockMerger(level: compressionLevel, filterKey: filterKey)
    }

    /// The merged block once it is complete and proven to say what its sources said.
    var result: EncodedBlock? { isVerified ? encoded : nil }

    /// The source that must be handed in before the next `advance`; nil when none is needed.
    var neededSource: BlockSummary? {
        reader == nil && position < plan.sources.count ? plan.sources[position] : nil
    }

    /// Hands in the bytes of `neededSource`; the merge may end before it.
    mutating func supply(_ bytes: [UInt8]) throws(BlockError) {
        let source = plan.sources[position]
        let opened = try BlockReader(bytes)
        guard opened.header.firstSequence == source.firstSequence, UInt64(opened.header.count) == source.count else {
            throw BlockError(.malformed, "header, of other events than its row says")
        }
        if position > 0, let needed = try merger?.memoryByteCount(appending: opened), needed > memoryByteLimit {
            endEarly()
            return
        }
        commits.append(contentsOf: try opened.commits())
        reader = opened
        rowGroup = 0
    }

    /// One piece of work. Nothing to do when `result` is there or a source is needed.
    mutating func advance() throws(BlockError) {
        if let reader {
            if rowGroup < reader.header.rowGroups.count {
                try merger?.appendRowGroup(rowGroup, of: reader)
                rowGroup += 1
            }
            if rowGroup == reader.header.rowGroups.count {
                self.reader = nil
                position += 1
            }
        } else if position == plan.sources.count {
            if encoded == nil {
                encoded = try merger?.finishStep()
                // Its dictionaries are as large as those that the verification builds.
                if encoded != nil { merger = nil }
            } else {
                try verify()
            }
        }
    }

    /// Events with so many different names or processes that a whole segment of them would take too much memory.
    private mutating func endEarly() {
        plan.sources.removeSubrange(position...)
        if plan.level >= 2 { plan.level = CompactionPolicy.closedSegmentLevel }
    }

    /// Every commit's hash is derived anew from the merged bytes and must be the one its source carried.
    private mutating func verify() throws(BlockError) {
        guard !isVerified, let encoded else { return }
        guard verifier != nil else {
            let merged = try BlockReader(encoded.bytes)
            guard try merged.commits() == commits else {
                throw BlockError(.hashMismatch, "merged block, its commits are not those of its sources")
            }
            verifier = try BlockVerifier(merged)
            return
        }
        if try verifier?.step() != true {
            verifier = nil
            isVerified = true
        }
    }
}
