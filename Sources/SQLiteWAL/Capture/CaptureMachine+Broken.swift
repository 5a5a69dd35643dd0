/// What happens to a log when transactions fail: frames whose checksums do not hold, commits that vanish, and commits
/// that never were.
extension CaptureMachine {
    /// The index names frames that the chain of checksums does not reach.
    mutating func takeBroken(
        _ files: inout some WALReading & ~Copyable, _ header: WALHeader, _ index: WALIndexHeader,
        _ reader: CommitReader, now: Int64
    ) throws(WALReadError) -> CaptureStep? {
        guard try readIndex(&files) == index else { return nil }
        if let chain = position?.chain, position?.salts == header.salts, chain.frame > 0,
            try !isStanding(&files, chain)
        {
            return try retract(&files, header, index)
        }
        // Twice the same, so that it is no writer who was met at work.
        guard let before = broken, before.frame == reader.chain.frame, now > before.since else {
            if broken?.frame != reader.chain.frame { broken = (reader.chain.frame, now) }
            return CaptureStep(state: .racing, nextLookNanoseconds: Self.raceNanoseconds)
        }
        guard let unchained = try readUnchained(&files, reader, index), try isStill(&files, header) else {
            return CaptureStep(state: .racing, nextLookNanoseconds: Self.raceNanoseconds)
        }
        broken = nil
        let isSameGeneration = position?.salts == header.salts
        // What was read up to the break is proved.
        var step = CaptureStep(state: .level)
        if !reader.commits.isEmpty || !isSameGeneration {
            step = finish(
                reader, .published, index: index, isSameGeneration: isSameGeneration, rest: unchained.count,
                isAtEnd: true)
        }
        step.findings += unchained.map { Self.finding(of: $0, .unchained) }
        var chain = reader.committed
        chain.frame = index.lastFrame
        chain.checksum = index.frameChecksum
        position = CapturePosition(salts: header.salts, chain: chain, changeCounter: index.changeCounter)
        milestones.append(CaptureMilestone(chain: chain, changeCounter: index.changeCounter))
        return step
    }

    /// The frames from the end of the chain to the last one that the index names, where its page map names their pages.
    ///
    /// SQLite up to at least 3.40.1 leaves a transaction so that rolled back to a savepoint after its cache had spilled.
    private mutating func readUnchained(
        _ files: inout some WALReading & ~Copyable, _ reader: CommitReader, _ index: WALIndexHeader
    ) throws(WALReadError) -> [WALCommit]? {
        let size = reader.chain.pageSize
        var gatherer = CommitGatherer(pageSize: size)
        var commits: [WALCommit] = []
        var first = reader.committed.frame + 1
        guard first <= index.lastFrame else { return nil }
        let isTooMuch = Int64(index.lastFrame - first) * Int64(size.byteCount) > Int64(limits.commitByteCount)
        if isTooMuch { return nil }
        for frame in first...max(first, index.lastFrame) {
            try files.readLog(at: size.offset(ofFrame: frame), count: size.frameByteCount, into: &buffer)
            guard let header = frameHeader(buffer), buffer.count == size.frameByteCount,
                try mappedPage(&files, frame) == header.page, header.page > 0
            else { return nil }
            // SAFETY: the buffer lives through the call, which only reads it.
            unsafe gatherer.add(
                page: header.page, contents: buffer.span.bytes.extracting(WALFrameHeader.byteCount..<buffer.count))
            if header.isCommit {
                var commit = gatherer.finish(header, frame: frame)
                commit.salts = index.salts
                commit.frameCount = frame - first + 1
                commits.append(commit)
                first = frame + 1
            }
        }
        guard gatherer.isEmpty, commits.last?.databasePageCount == index.databasePageCount else { return nil }
        commits[commits.count - 1].checksum = index.frameChecksum
        return commits
    }

    private func frameHeader(_ bytes: [UInt8]) -> WALFrameHeader? {
        // SAFETY: the array lives through the call, which only reads it.
        unsafe WALFrameHeader(bytes.span.bytes)
    }

    private func mappedPage(
        _ files: inout some WALReading & ~Copyable, _ frame: UInt32
    ) throws(WALReadError) -> UInt32? {
        var bytes: [UInt8] = []
        try files.readIndex(at: WALIndexHeader.mapOffset(ofFrame: frame), count: 4, into: &bytes)
        guard bytes.count == 4 else { return nil }
        // SAFETY: the array lives through the call, which only reads it.
        return unsafe bytes.span.bytes.native(at: 0)
    }

    // MARK: Commits that vanish

    /// The frame at the end of a chain is still the one that was read.
    private func isStanding(
        _ files: inout some WALReading & ~Copyable, _ chain: FrameChain
    ) throws(WALReadError) -> Bool {
        guard let header = try readFrameHeader(&files, chain.frame, chain.pageSize) else { return false }
        // A frame that was published without a checksum has none to compare.
        return header.isUnsigned || header.salts == chain.salts && header.checksum == chain.checksum
    }

    /// Goes back to the newest commit that is still in the log.
    mutating func retract(
        _ files: inout some WALReading & ~Copyable, _ header: WALHeader, _ index: WALIndexHeader
    ) throws(WALReadError) -> CaptureStep? {
        var count: UInt32 = 0
        var kept = milestones
        while let last = kept.last {
            if last.chain.frame == 0 { break }
            if last.chain.frame <= index.lastFrame, try isStanding(&files, last.chain) { break }
            kept.removeLast()
            count += 1
        }
        guard try readIndex(&files) == index, try isStill(&files, header) else { return nil }
        let place = kept.last ?? CaptureMilestone(chain: FrameChain(header), changeCounter: nil)
        position = CapturePosition(
            salts: header.salts, chain: place.chain, changeCounter: place.changeCounter)
        milestones = kept
        orphan = nil
        return CaptureStep(findings: [.retracted(count: count)], state: .behind, nextLookNanoseconds: 0)
    }

    // MARK: Commits that never were

    /// A whole transaction behind the last one that the index names.
    struct OrphanCandidate: Sendable {
        var frame: UInt32
        var checksum: WALChecksum
        var since: Int64
        var delayNanoseconds: Int64 = raceNanoseconds
        var isTold = false
    }

    private static var orphanNanoseconds: Int64 { 64_000_000 }
    private static var peekFrameCount: UInt32 { 256 }

    /// Every commit was found; what stands behind the last one is on its way to be committed, or never will be.
    mutating func lookBeyond(
        _ files: inout some WALReading & ~Copyable, _ chain: FrameChain, _ index: WALIndexHeader, now: Int64
    ) throws(WALReadError) -> CaptureStep? {
        var step = CaptureStep(state: .level)
        guard let next = try readFrameHeader(&files, chain.frame + 1, chain.pageSize), next.salts == chain.salts,
            try files.isWriting() == false
        else {
            orphan = nil
            return step
        }
        var reader = CommitReader(from: chain, maximumCommitByteCount: 0)
        let last = min(chain.frame, .max - Self.peekFrameCount - 1) + Self.peekFrameCount
        _ = try read(&files, into: &reader, upTo: last, limit: 1)
        guard try readIndex(&files) == index else { return nil }
        guard let commit = reader.commits.first else {
            orphan = nil
            return step
        }
        if orphan?.frame != commit.frame || orphan?.checksum != commit.checksum {
            orphan = OrphanCandidate(frame: commit.frame, checksum: commit.checksum, since: now)
        }
        guard var candidate = orphan, !candidate.isTold else { return step }
        step.state = .pending
        step.nextLookNanoseconds = candidate.delayNanoseconds
        candidate.delayNanoseconds = min(2 * candidate.delayNanoseconds, Self.orphanNanoseconds)
        if now &- candidate.since >= Self.orphanNanoseconds {
            candidate.isTold = true
            step = CaptureStep(findings: [.orphan(frame: commit.frame)], state: .level)
        }
        orphan = candidate
        return step
    }
}
