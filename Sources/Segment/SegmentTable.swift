internal import Block
package import Model

/// Everything a segment says about its commits, but for their pages' bytes.
package struct SegmentTable: Hashable, Sendable {
    package struct Commit: Hashable, Sendable {
        package var number: UInt64
        package var low: Instant
        package var high: Instant
        package var databasePageCount: UInt32
        package var frame: UInt32
        package var salts: UInt64
        package var changeCounter: UInt32?
        package var status: CapturedCommit.Status
        package var attribution: CapturedCommit.Attribution
        /// Indices into `sets`.
        package var writers: Int
        package var checkpointer: Int
        /// Where its page numbers stand in `pages`.
        package var pages: Range<Int>
        /// After it; 0 unless the segment is anchored.
        package var state: UInt64

        /// How many transactions it is of: several may stand in one *state*. Nil where that is not known.
        package var transactionCount: UInt32? {
            status == .state ? (frame == 0 ? nil : frame) : 1
        }
    }

    package struct Block: Hashable, Sendable {
        package enum Codec: UInt8, Sendable {
            case raw = 0
            case frame = 1
            case frameWithPrefix = 2
        }

        package var pageCount: Int
        package var codec: Codec
        /// As stored.
        package var byteCount: Int
        /// Which of its first pages had no version before it; ascending.
        package var lacking: [Int]
    }

    package var processes: [ActorProcess] = []
    /// Sets of indices into `processes`.
    package var sets: [[Int]] = []
    package var gaps: [CaptureGap] = []
    package var commits: [Commit] = []
    /// The page numbers of all commits, one after the other.
    package var pages: [UInt32] = []
    package var blocks: [Block] = []

    /// The processes of a set.
    package func processes(ofSet set: Int) -> [ActorProcess] {
        sets[set].map { processes[$0] }
    }

    /// Stored page bytes of each commit, in proportion where blocks hold several commits.
    package func storedByteCounts() -> [Int] {
        var perPage: [Double] = []
        perPage.reserveCapacity(pages.count)
        for block in blocks {
            perPage.append(
                contentsOf: repeatElement(Double(block.byteCount) / Double(block.pageCount), count: block.pageCount))
        }
        return commits.map { commit in Int(perPage[commit.pages].reduce(0, +).rounded()) }
    }
}

extension SegmentTable {
    /// Column after column, as schema/README.md lists them.
    func encoded(_ header: SegmentHeader) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendVarint(processes.count)
        for process in processes { ProcessCoding.append(process, to: &bytes) }
        bytes.appendVarint(sets.count)
        for set in sets {
            bytes.appendVarint(set.count)
            for process in set { bytes.appendVarint(process) }
        }
        bytes.appendVarint(gaps.count)
        for gap in gaps {
            bytes.appendVarint(gap.first)
            bytes.appendVarint(gap.last)
            bytes.appendVarint(gap.missedCount.map { $0 &+ 1 } ?? 0)
            bytes.appendZigzag(gap.low.nanosecondsSinceEpoch)
            bytes.appendZigzag(gap.high.nanosecondsSinceEpoch)
            bytes.append(gap.cause.rawValue)
        }
        appendTimes(header, to: &bytes)
        appendPositions(header, to: &bytes)
        for commit in commits { bytes.append(commit.status.rawValue | commit.attribution.rawValue << 4) }
        for commit in commits { bytes.appendVarint(commit.writers) }
        for commit in commits { bytes.appendVarint(commit.checkpointer) }
        for commit in commits {
            bytes.appendVarint(commit.pages.count)
            var last: UInt32 = 0
            for page in pages[commit.pages] {
                bytes.appendVarint(UInt64(page - last))
                last = page
            }
        }
        if header.isAnchored { for commit in commits { bytes.appendLittleEndian(commit.state) } }
        appendBlocks(to: &bytes)
        return bytes
    }

    private func appendTimes(_ header: SegmentHeader, to bytes: inout [UInt8]) {
        var last = header.low.nanosecondsSinceEpoch
        for commit in commits {
            bytes.appendZigzag(commit.low.nanosecondsSinceEpoch &- last)
            last = commit.high.nanosecondsSinceEpoch
        }
        for commit in commits {
            bytes.appendZigzag(commit.high.nanosecondsSinceEpoch &- commit.low.nanosecondsSinceEpoch)
        }
    }

    private func appendPositions(_ header: SegmentHeader, to bytes: inout [UInt8]) {
        var size = Int64(header.pagesBefore)
        for commit in commits {
            bytes.appendZigzag(Int64(commit.databasePageCount) - size)
            size = Int64(commit.databasePageCount)
        }
        var frame: Int64 = 0
        for commit in commits {
            bytes.appendZigzag(Int64(commit.frame) - frame)
            frame = Int64(commit.frame)
        }
        var salts: UInt64 = 0
        for commit in commits {
            bytes.append(commit.salts == salts ? 0 : 1)
            if commit.salts != salts { bytes.appendLittleEndian(commit.salts) }
            salts = commit.salts
        }
        var counter: Int64 = 0
        for commit in commits {
            guard let next = commit.changeCounter else {
                bytes.append(0)
                continue
            }
            bytes.appendVarint(Zigzag.encode(Int64(next) - counter) + 1)
            counter = Int64(next)
        }
    }

    private func appendBlocks(to bytes: inout [UInt8]) {
        for block in blocks {
            bytes.appendVarint(block.pageCount)
            bytes.append(block.codec.rawValue)
            bytes.appendVarint(block.byteCount)
            guard block.codec == .frameWithPrefix else { continue }
            bytes.appendVarint(block.lacking.count)
            var last = -1
            for position in block.lacking {
                bytes.appendVarint(position - last)
                last = position
            }
        }
    }
}
