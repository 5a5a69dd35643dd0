package import Block
internal import Model

/// Puts anchored segments that follow one another together to one with the same commits, without decoding a page.
///
/// A block is coded against the versions that its pages had before it, which are the same wherever it stands. So the blocks
/// are taken over as they are, and the tables become one. Files are given whole; their hashes are checked.
/// Thread: one. Cost: their bytes three times, and their tables.
package struct SegmentJoiner: ~Copyable {
    private struct Source {
        var index: SegmentIndex
        var bytes: [UInt8]

        /// The blocks as stored.
        var blocks: ArraySlice<UInt8> { bytes[index.header.byteCount..<SegmentIndex.tableOffset(index.header)] }
    }

    private var sources: [Source] = []
    private var header: SegmentHeader?
    private var table = SegmentTable()
    private var blocks: [UInt8] = []
    private var processIndices: [ActorProcess: Int] = [:]
    private var setIndices: [[Int]: Int] = [:]
    private var compressor: Compressor

    /// Throws: `compression`.
    package init() throws(SegmentError) {
        compressor = try Compressor.make()
    }

    /// Takes in the next segment. Returns: its hash.
    ///
    /// Throws: `notContiguous` where it does not continue the one before, `stateMismatch` where its state is another,
    /// `limitExceeded`; as `SegmentIndex.init`. It is not taken in then, and what is there can be finished.
    @discardableResult
    package mutating func append(_ bytes: [UInt8]) throws(SegmentError) -> EventsHash {
        let index = try SegmentIndex(file: bytes)
        let hash = try SegmentIndex.hash(ofFile: bytes, index.header)
        guard index.header.commitCount > 0, index.header.isAnchored else {
            throw SegmentError(.notContiguous, "a segment without commits, or whose states are not known")
        }
        try check(index.header, gaps: index.table.gaps)
        guard table.processes.count + index.table.processes.count <= SegmentLimits.processCount else {
            throw SegmentError(.limitExceeded, "more than \(SegmentLimits.processCount) processes")
        }
        extendHeader(by: index.header, hash: index.header.chainHash ?? hash)
        extendTable(by: index.table)
        let source = Source(index: index, bytes: bytes)
        blocks.append(contentsOf: source.blocks)
        sources.append(source)
        return hash
    }

    /// Ends the segment; what was put together is read back and compared with what was given.
    ///
    /// Throws: `notContiguous` unless two were taken in, `stateMismatch` where it is not the same, `limitExceeded`,
    /// `compression`.
    package consuming func finish() throws(SegmentError) -> EncodedSegment {
        guard let header, sources.count > 1 else { throw SegmentError(.notContiguous, "nothing to join") }
        let segment = try EncodedSegment(header, table, blocks: blocks) { (content, frame) throws(SegmentError) in
            do throws(BlockError) {
                try compressor.compress(content, prefix: [], level: SegmentEncoder.tableLevel, to: &frame)
            } catch {
                throw SegmentError(error)
            }
        }
        let joined = Source(index: try SegmentIndex(file: segment.bytes), bytes: segment.bytes)
        for source in sources { try Self.compare(source, joined) }
        guard joined.index.header == segment.header, joined.blocks.count == blocks.count else {
            throw Self.isDifferent
        }
        return segment
    }

    private static var isDifferent: SegmentError { SegmentError(.stateMismatch, "segments that were just joined") }

    private static func compare(_ source: Source, _ joined: Source) throws(SegmentError) {
        let (old, header) = (source.index.table, source.index.header)
        let part = try joined.index.part(header.firstCommit, through: header.lastCommit)
        let new = part.table
        guard part.header.stateBefore == header.stateBefore,
            part.header.stateAfter == header.stateAfter, part.header.pagesBefore == header.pagesBefore,
            part.header.pagesAfter == header.pagesAfter, part.header.low == header.low,
            part.header.high == header.high, new.pages == old.pages, new.blocks == old.blocks, new.gaps == old.gaps,
            new.commits.count == old.commits.count
        else { throw isDifferent }
        for (one, other) in zip(new.commits, old.commits) {
            var same = other
            (same.writers, same.checkpointer) = (one.writers, one.checkpointer)
            guard same == one, new.processes(ofSet: one.writers) == old.processes(ofSet: other.writers),
                new.processes(ofSet: one.checkpointer) == old.processes(ofSet: other.checkpointer)
            else { throw isDifferent }
        }
        let start = part.blockOffsets.first ?? 0
        guard start + source.blocks.count <= SegmentIndex.tableOffset(joined.index.header),
            joined.bytes[start..<start + source.blocks.count] == source.blocks
        else { throw isDifferent }
    }

    private func check(_ next: SegmentHeader, gaps: [CaptureGap]) throws(SegmentError) {
        guard let header else { return }
        guard next.stream == header.stream, next.pageSize == header.pageSize,
            next.firstCommit == header.lastCommit &+ 1, next.previousHash == header.chainHash, gaps.isEmpty
        else { throw SegmentError(.notContiguous, "segment from commit \(next.firstCommit)") }
        guard next.stateBefore == header.stateAfter, next.pagesBefore == header.pagesAfter else {
            throw SegmentError(.stateMismatch, "before commit \(next.firstCommit)")
        }
        guard header.commitCount + next.commitCount <= SegmentLimits.commitCount,
            max(header.level, next.level + 1) <= SegmentLimits.level
        else { throw SegmentError(.limitExceeded, "segments to \(next.lastCommit)") }
    }

    private mutating func extendHeader(by next: SegmentHeader, hash: EventsHash) {
        guard var header else {
            var first = next
            first.level = min(SegmentLimits.level, next.level + 1)
            first.chainHash = hash
            self.header = first
            return
        }
        header.level = max(header.level, next.level + 1)
        header.holdsStates = header.holdsStates || next.holdsStates
        header.commitCount += next.commitCount
        header.blockCount += next.blockCount
        header.low = min(header.low, next.low)
        header.high = max(header.high, next.high)
        header.pagesAfter = next.pagesAfter
        header.stateAfter = next.stateAfter
        header.chainHash = hash
        self.header = header
    }

    private mutating func extendTable(by next: SegmentTable) {
        if table.commits.isEmpty { table.gaps = next.gaps }
        let processes = next.processes.map { process in
            if let index = processIndices[process] { return index }
            table.processes.append(process)
            processIndices[process] = table.processes.count - 1
            return table.processes.count - 1
        }
        let sets = next.sets.map { set in
            let moved = set.map { processes[$0] }
            if let index = setIndices[moved] { return index }
            table.sets.append(moved)
            setIndices[moved] = table.sets.count - 1
            return table.sets.count - 1
        }
        let pageCount = table.pages.count
        for commit in next.commits {
            var moved = commit
            moved.writers = sets[commit.writers]
            moved.checkpointer = sets[commit.checkpointer]
            moved.pages = commit.pages.lowerBound + pageCount..<commit.pages.upperBound + pageCount
            table.commits.append(moved)
        }
        table.pages += next.pages
        table.blocks += next.blocks
    }
}
