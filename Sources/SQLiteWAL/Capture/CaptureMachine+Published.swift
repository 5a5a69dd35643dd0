/// The usual case: index and log are of one generation.
extension CaptureMachine {
    mutating func takePublished(
        _ files: inout some WALReading & ~Copyable, _ header: WALHeader, _ index: WALIndexHeader,
        from before: CapturePosition, now: Int64
    ) throws(WALReadError) -> CaptureStep? {
        seen = (index.salts, index.lastFrame)
        let isSameGeneration = before.salts == header.salts
        var chain = FrameChain(header)
        if isSameGeneration {
            if let known = before.chain { chain = known }
            guard index.lastFrame >= chain.frame else { return try retract(&files, header, index) }
            if index.lastFrame == chain.frame {
                position?.chain = chain
                position?.changeCounter = index.changeCounter
                return try lookBeyond(&files, chain, index, now: now)
            }
        } else if let old = before.chain {
            guard try salvage(&files, from: old) else { return tellSalvaged() }
        }
        var reader = CommitReader(from: chain, maximumCommitByteCount: limits.commitByteCount)
        let end = try read(&files, into: &reader, upTo: index.lastFrame, limit: limits.stepByteCount)
        // While the salts are the same, nothing of what was read can have been overwritten.
        guard try isStill(&files, header) else { return nil }
        guard end == nil, reader.chain.frame < index.lastFrame || agrees(reader, index) else {
            return try takeBroken(&files, header, index, reader, now: now)
        }
        broken = nil
        let rest = try isSameGeneration ? 0 : countRest(&files, reader, upTo: index.lastFrame)
        guard let rest else { return nil }
        let isAtEnd = reader.chain.frame == index.lastFrame
        return finish(
            reader, .published, index: index, isSameGeneration: isSameGeneration, rest: rest, isAtEnd: isAtEnd)
    }

    /// More of the old generation than one look may return.
    private mutating func tellSalvaged() -> CaptureStep {
        let count = max(0, held.count - 1)
        var step = CaptureStep(state: .behind, nextLookNanoseconds: 0)
        step.findings = held[..<count].map { Self.finding(of: $0, .published) }
        held.removeFirst(count)
        if let counter = position?.changeCounter { position?.changeCounter = counter &+ UInt32(clamping: count) }
        return step
    }

    func isStill(_ files: inout some WALReading & ~Copyable, _ header: WALHeader) throws(WALReadError) -> Bool {
        try readHeader(&files) == .header(header)
    }

    /// What was read ends where the index says the log ends.
    private func agrees(_ reader: CommitReader, _ index: WALIndexHeader) -> Bool {
        guard index.lastFrame > 0 else { return true }
        return reader.committed.frame == index.lastFrame && reader.chain.checksum == index.frameChecksum
            && reader.commits.last?.databasePageCount == index.databasePageCount
    }

    /// How many commits the generation has behind what one look may return: without that, what was missed before it
    /// would not be known. nil where the log does not hold together.
    private mutating func countRest(
        _ files: inout some WALReading & ~Copyable, _ reader: CommitReader, upTo last: UInt32
    ) throws(WALReadError) -> Int? {
        guard reader.chain.frame < last else { return 0 }
        var counter = CommitReader(from: reader.committed, maximumCommitByteCount: 0)
        var count = 0
        while counter.chain.frame < last {
            guard try read(&files, into: &counter, upTo: last, limit: limits.stepByteCount) == nil else { return nil }
            count += counter.commits.count
            counter.commits = []
        }
        return count
    }

    /// Moves the position over what was read.
    mutating func finish(
        _ reader: CommitReader, _ proof: CommitProof, index: WALIndexHeader, isSameGeneration: Bool, rest: Int,
        isAtEnd: Bool
    ) -> CaptureStep {
        var step = CaptureStep(
            state: isAtEnd ? .level : .behind, nextLookNanoseconds: isAtEnd ? nil : 0)
        var commits = reader.commits
        if isAtEnd || !isSameGeneration, hasTooMany(held.count + commits.count + rest, index) {
            commits = WALCommit.withoutPadding(commits)
        }
        if !isSameGeneration {
            // One more than were counted: the old generation ended with a transaction that never was committed.
            if hasTooMany(held.count + commits.count + rest, index), !held.isEmpty { held.removeLast() }
            step.findings = held.map { Self.finding(of: $0, .published) }
            let missed = missedCount(upTo: index.changeCounter, found: held.count + commits.count + rest)
            if missed == nil ? !isContinuous(index) : missed != 0 {
                step.findings.append(.missed(count: missed, cause: .wrapped))
            }
            held = []
            milestones = []
        }
        step.findings += commits.map { Self.finding(of: $0, proof) }
        let counted = index.changeCounter &- UInt32(clamping: isSameGeneration ? 0 : rest)
        let counter =
            isAtEnd || !isSameGeneration
            ? counted : position?.changeCounter.map { $0 &+ UInt32(clamping: commits.count) }
        position = CapturePosition(salts: reader.committed.salts, chain: reader.committed, changeCounter: counter)
        remember(commits, upTo: counter, as: reader.committed)
        orphan = nil
        return step
    }

    private func hasTooMany(_ count: Int, _ index: WALIndexHeader) -> Bool {
        guard let before = position?.changeCounter else { return false }
        let passed = index.changeCounter &- before
        return passed <= UInt32(Int32.max) && count > Int(passed)
    }

    /// Without a count: the generation follows on the one before, whose residue the new frames have not reached.
    private func isContinuous(_ index: WALIndexHeader) -> Bool {
        guard let position, let salts = position.salts else { return true }
        return index.salts.first == salts.first &+ 1 && index.lastFrame <= position.frame
    }

    /// What a commit is to be told as.
    static func finding(of commit: WALCommit, _ proof: CommitProof) -> CaptureFinding {
        commit.isOversized ? .missed(count: 1, cause: .tooLarge) : .commit(commit, proof)
    }

    /// Keeps where the last commits ended.
    func milestone(of commit: WALCommit, like chain: FrameChain, _ counter: UInt32?) -> CaptureMilestone {
        var place = chain
        place.frame = commit.lastFrame
        place.checksum = commit.checksum
        return CaptureMilestone(chain: place, changeCounter: counter)
    }

    mutating func remember(_ commits: [WALCommit], upTo counter: UInt32?, as chain: FrameChain) {
        for (place, commit) in commits.enumerated().suffix(Self.milestoneCount) {
            let number = counter.map { $0 &- UInt32(clamping: commits.count - 1 - place) }
            milestones.append(milestone(of: commit, like: chain, number))
        }
        if milestones.count > 2 * Self.milestoneCount {
            milestones.removeFirst(milestones.count - Self.milestoneCount)
        }
    }
}
