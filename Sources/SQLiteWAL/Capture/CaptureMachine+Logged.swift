/// Without an index: a writer in exclusive locking mode keeps it in its own memory.
extension CaptureMachine {
    /// The last commit that was seen in the log, and may yet be rewritten.
    struct LoggedCandidate: Sendable {
        var salts: WALSalts
        var frame: UInt32
        var checksum: WALChecksum
        var since: Int64
    }

    private static var confirmationNanoseconds: Int64 { 50_000_000 }

    /// A commit counts when a second reading from the last one finds it unchanged, and another went on from it or the
    /// log rested for 50 ms.
    mutating func takeLogged(
        _ files: inout some WALReading & ~Copyable, _ header: WALHeader, now: Int64
    ) throws(WALReadError) -> CaptureStep? {
        let isSameGeneration = position?.salts == header.salts
        var chain = FrameChain(header)
        if isSameGeneration, let known = position?.chain { chain = known }
        if !isSameGeneration, let old = position?.chain { _ = try salvage(&files, from: old) }
        var reader = CommitReader(from: chain, maximumCommitByteCount: limits.commitByteCount)
        let end = try read(&files, into: &reader, upTo: .max - 1, limit: limits.stepByteCount)
        seen = (header.salts, end == nil ? .max : reader.chain.frame)
        guard try isStill(&files, header) else { return nil }
        guard position != nil else {
            position = CapturePosition(salts: header.salts, chain: reader.committed, changeCounter: nil)
            return CaptureStep(state: .level)
        }
        if !isSameGeneration, generation?.salts != header.salts {
            generation = (header.salts, follows(header.salts, newest: reader.chain.frame))
        }
        let commits = WALCommit.withoutPadding(reader.commits)
        guard let last = commits.last else { return CaptureStep(state: .level) }
        let confirmed = confirmedCount(of: commits, header.salts, now: now)
        if confirmed < commits.count {
            if unconfirmed?.checksum != last.checksum || unconfirmed?.frame != last.lastFrame {
                unconfirmed = LoggedCandidate(
                    salts: header.salts, frame: last.lastFrame, checksum: last.checksum, since: now)
            }
        } else {
            unconfirmed = nil
        }
        var step = CaptureStep(
            state: confirmed < commits.count ? .unconfirmed : .level,
            nextLookNanoseconds: confirmed < commits.count ? 5_000_000 : nil)
        if confirmed > 0 {
            let accepted = Array(commits[..<confirmed])
            step.findings = accept(accepted, chain: chain, isSameGeneration: isSameGeneration)
        }
        return step
    }

    /// The generation comes right after that of the position, and has not reached what that left behind.
    private func follows(_ salts: WALSalts, newest: UInt32) -> Bool {
        guard let position, let old = position.salts else { return true }
        return salts.first == old.first &+ 1 && newest <= position.frame
    }

    private func confirmedCount(of commits: [WALCommit], _ salts: WALSalts, now: Int64) -> Int {
        guard let candidate = unconfirmed, candidate.salts == salts,
            let place = commits.firstIndex(where: {
                $0.lastFrame == candidate.frame && $0.checksum == candidate.checksum
            })
        else { return 0 }
        let isFollowed = place + 1 < commits.count
        return isFollowed || now &- candidate.since >= Self.confirmationNanoseconds ? place + 1 : 0
    }

    private mutating func accept(
        _ commits: [WALCommit], chain: FrameChain, isSameGeneration: Bool
    ) -> [CaptureFinding] {
        var findings = held.map { Self.finding(of: $0, .logged) }
        held = []
        if !isSameGeneration {
            milestones = []
            if generation?.follows != true { findings.append(.missed(count: nil, cause: .wrapped)) }
        }
        findings += commits.map { Self.finding(of: $0, .logged) }
        remember(commits, upTo: nil, as: chain)
        if let place = milestones.last?.chain {
            position = CapturePosition(salts: place.salts, chain: place, changeCounter: nil)
        }
        return findings
    }
}
