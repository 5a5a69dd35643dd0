/// Finds the commits of a database in WAL mode from outside: from what is read of its `-wal` and `-shm`, without a lock.
///
/// The index says how far the log is committed and how many commits there were, so what was missed is known exactly. What
/// it does not know, the chain of checksums proves: that the frames read are those that were committed. Every look reads
/// first, and moves the position only when what was read holds together; a look that met a writer at work is repeated.
/// It holds at most `Limits.stepByteCount` and one transaction more.
package struct CaptureMachine: Sendable {
    package struct Limits: Sendable {
        /// Pages of commits that one look may return, apart from the last commit.
        package var stepByteCount = 16 << 20
        /// The pages of one transaction; a larger one is counted as missed.
        package var commitByteCount = 64 << 20

        package init() {}
    }

    var position: CapturePosition?
    /// Commits of an older generation that were read, while those of the present one are not.
    var held: [WALCommit] = []
    var milestones: [CaptureMilestone] = []
    var orphan: OrphanCandidate?
    var unconfirmed: LoggedCandidate?
    /// Since when the index is of another generation than the log.
    var strangeSince: Int64?
    /// Since when the log has no header that holds together.
    private var tornSince: Int64?
    /// The frame where the chain broke although the index names it, and when that was first seen.
    var broken: (frame: UInt32, since: Int64)?
    /// Without an index: the generation that was seen last, and whether it follows on the one before.
    var generation: (salts: WALSalts, follows: Bool)?
    /// How far the log was seen: to which frame of which generation. As far as can be where it was not read to its end.
    var seen: (salts: WALSalts, frame: UInt32)?
    /// What a look saw and did not return: it comes before that frame, or is of the generation where the look stopped.
    private var left: (until: (salts: WALSalts, frame: UInt32), from: WALSalts?)?
    let limits: Limits
    var buffer: [UInt8] = []

    /// Of a log that was there before it was looked at: its commits are found too, not only those that come.
    private let takesWholeLog: Bool

    /// Parameter isFresh: the log was made while the database was watched, so its first commit is to be found too.
    /// Parameter takesWholeLog: so are the commits of a log that was there before, if one look may read all of it.
    package init(isFresh: Bool, takesWholeLog: Bool = false, limits: Limits = Limits()) {
        self.limits = limits
        self.takesWholeLog = takesWholeLog
        if isFresh { position = CapturePosition(salts: nil, chain: nil, changeCounter: 0) }
    }

    /// The generation and the frame of the last commit that was found, nil before the first look.
    package var reached: (salts: WALSalts, frame: UInt32)? {
        guard let position, let salts = position.salts else { return nil }
        return (salts, position.frame)
    }

    package var pageSize: WALPageSize? { position?.chain?.pageSize }

    static let milestoneCount = 4_096
    private static let attemptCount = 6
    static let raceNanoseconds: Int64 = 1_000_000
    /// An index that stays of another generation is of nobody who writes this log.
    static let strangeNanoseconds: Int64 = 100_000_000

    /// Looks at the files.
    ///
    /// Parameter now: CLOCK_MONOTONIC in nanoseconds. Cost: three reads when nothing changed.
    package mutating func step(_ files: inout some WALReading & ~Copyable, now: Int64) throws(WALReadError)
        -> CaptureStep
    {
        for _ in 0..<Self.attemptCount {
            if var step = try attempt(&files, now: now) {
                if step.state != .racing { step.rest = noteRest(after: step.state) }
                return step
            }
        }
        return CaptureStep(state: .racing, nextLookNanoseconds: Self.raceNanoseconds)
    }

    private mutating func noteRest(after state: CaptureState) -> CaptureRest {
        guard state == .behind || state == .unconfirmed || !held.isEmpty, let seen else {
            left = nil
            return .none
        }
        if let left, !isPassed(left.until, from: left.from) { return .old }
        left = (seen, position?.salts)
        return .new
    }

    /// Everything up to a frame has been returned, of the generation `from` and of that of the frame.
    private func isPassed(_ until: (salts: WALSalts, frame: UInt32), from: WALSalts?) -> Bool {
        guard held.isEmpty, let salts = position?.salts else { return false }
        return salts == until.salts ? (position?.frame ?? 0) >= until.frame : salts != from
    }

    /// nil where it must be repeated.
    private mutating func attempt(
        _ files: inout some WALReading & ~Copyable, now: Int64
    ) throws(WALReadError) -> CaptureStep? {
        let before = try readIndex(&files)
        let reading = try readHeader(&files)
        let index = try readIndex(&files)
        guard before?.salts == index?.salts else { return nil }
        var isPartial = false
        if reading == .empty { isPartial = try files.logByteCount() > 0 }
        if reading == .torn || isPartial { return takeTorn(isPartial, now: now) }
        tornSince = nil
        switch reading {
        case .empty, .torn: return takeEmpty(index)
        case .unsupported(let reason): return CaptureStep(state: .unsupported(reason))
        case .header(let header):
            guard let index else { return try takeLogged(&files, header, now: now) }
            guard index.salts == header.salts, index.pageSize == header.pageSize else {
                return try takeStrange(&files, header, now: now)
            }
            strangeSince = nil
            guard let position else { return begin(header, index) }
            return try takePublished(&files, header, index, from: position, now: now)
        }
    }

    /// A header is written at one go, so it is torn for a moment at most, unless its writer is gone.
    private mutating func takeTorn(_ isPartial: Bool, now: Int64) -> CaptureStep {
        let since = tornSince ?? now
        tornSince = since
        if now &- since >= Self.strangeNanoseconds {
            return CaptureStep(
                state: .unsupported(
                    isPartial ? "its log ends within its header" : "the header of its log does not hold together"))
        }
        return CaptureStep(state: .racing, nextLookNanoseconds: Self.raceNanoseconds)
    }

    /// The header is written after the index is: for a moment they are of two generations.
    private mutating func takeStrange(
        _ files: inout some WALReading & ~Copyable, _ header: WALHeader, now: Int64
    ) throws(WALReadError) -> CaptureStep? {
        let since = strangeSince ?? now
        strangeSince = since
        if now &- since >= Self.strangeNanoseconds { return try takeLogged(&files, header, now: now) }
        return CaptureStep(state: .racing, nextLookNanoseconds: Self.raceNanoseconds)
    }

    /// The first look at a log that was there before: from its last commit on.
    ///
    /// nil where it begins with the log, which is read next.
    private mutating func begin(_ header: WALHeader, _ index: WALIndexHeader) -> CaptureStep? {
        var chain = FrameChain(header)
        if takesWholeLog, Int(index.lastFrame) * chain.pageSize.frameByteCount <= limits.stepByteCount {
            position = CapturePosition(salts: header.salts, chain: chain, changeCounter: nil)
            return nil
        }
        if index.lastFrame > 0 {
            chain.frame = index.lastFrame
            chain.checksum = index.frameChecksum
        }
        position = CapturePosition(salts: header.salts, chain: chain, changeCounter: index.changeCounter)
        milestones = [CaptureMilestone(chain: chain, changeCounter: index.changeCounter)]
        return CaptureStep(state: .level)
    }

    /// A log that was cut, or has not begun.
    private mutating func takeEmpty(_ index: WALIndexHeader?) -> CaptureStep {
        var step = CaptureStep(state: .empty)
        guard let before = position else {
            if let index {
                position = CapturePosition(salts: index.salts, chain: nil, changeCounter: index.changeCounter)
            }
            return step
        }
        let lost = missedCount(upTo: index?.changeCounter, found: held.count)
        step.findings = held.map { Self.finding(of: $0, .published) }
        held = []
        // Before its first frame there was nothing to cut.
        if lost == nil ? before.chain != nil : lost != 0 {
            step.findings.append(.missed(count: lost, cause: .truncated))
        }
        if before.chain != nil || index != nil {
            position = CapturePosition(
                salts: index?.salts, chain: nil, changeCounter: index?.changeCounter)
        }
        milestones = []
        return step
    }

    // MARK: Counting

    /// How many commits stand between the position and `counter`, apart from `found`; nil where the index began to count
    /// anew since, or nothing was counted.
    func missedCount(upTo counter: UInt32?, found: Int) -> UInt32? {
        guard let counter, let before = position?.changeCounter else { return nil }
        let passed = counter &- before
        guard passed <= UInt32(Int32.max), Int(passed) >= found else { return nil }
        return passed - UInt32(found)
    }

    // MARK: Reading

    func readHeader(_ files: inout some WALReading & ~Copyable) throws(WALReadError) -> WALHeader.Reading {
        try Self.header(of: &files)
    }

    func readIndex(_ files: inout some WALReading & ~Copyable) throws(WALReadError) -> WALIndexHeader? {
        try Self.index(of: &files)
    }

    /// Reads the start of the log.
    package static func header(
        of files: inout some WALReading & ~Copyable
    ) throws(WALReadError) -> WALHeader.Reading {
        var bytes: [UInt8] = []
        try files.readLog(at: 0, count: WALHeader.byteCount, into: &bytes)
        // SAFETY: the array lives through the call, which only reads it.
        return unsafe WALHeader.read(bytes.span.bytes)
    }

    /// Reads the index's header; nil where there is none that holds together.
    package static func index(
        of files: inout some WALReading & ~Copyable
    ) throws(WALReadError) -> WALIndexHeader? {
        var bytes: [UInt8] = []
        for _ in 0..<5 {
            try files.readIndex(at: 0, count: WALIndexHeader.byteCount, into: &bytes)
            if bytes.count < WALIndexHeader.byteCount { return nil }
            // SAFETY: the array lives through the call, which only reads it.
            if let index = unsafe WALIndexHeader(bytes.span.bytes) { return index }
        }
        return nil
    }

    /// Reads frames into `reader` up to frame `last`, or until it has commits of `stepByteCount` and a whole one.
    ///
    /// Returns: why the chain ended; nil where it did not.
    mutating func read(
        _ files: inout some WALReading & ~Copyable, into reader: inout CommitReader, upTo last: UInt32,
        limit: Int
    ) throws(WALReadError) -> ScanEnd? {
        let size = reader.chain.pageSize
        let perRead = UInt32(max(1, Self.readByteCount / size.frameByteCount))
        var byteCount = 0
        while reader.chain.frame < last {
            if byteCount >= limit, !reader.commits.isEmpty { return nil }
            let count = min(perRead, last - reader.chain.frame)
            let offset = size.offset(ofFrame: reader.chain.frame + 1)
            try files.readLog(at: offset, count: Int(count) * size.frameByteCount, into: &buffer)
            byteCount += buffer.count
            // SAFETY: the buffer lives through the call, which only reads it.
            let end = unsafe reader.take(buffer.span.bytes, at: offset, upTo: reader.chain.frame + count)
            if let end { return end }
        }
        return nil
    }

    private static let readByteCount = 256 << 10

    /// The header of one frame as it stands in the file.
    func readFrameHeader(
        _ files: inout some WALReading & ~Copyable, _ frame: UInt32, _ size: WALPageSize
    ) throws(WALReadError) -> WALFrameHeader? {
        var bytes: [UInt8] = []
        try files.readLog(at: size.offset(ofFrame: frame), count: WALFrameHeader.byteCount, into: &bytes)
        // SAFETY: the array lives through the call, which only reads it.
        return unsafe WALFrameHeader(bytes.span.bytes)
    }

    /// Adds to `held` what the generation of the position left behind the present one.
    ///
    /// Returns: false where there may be more.
    mutating func salvage(
        _ files: inout some WALReading & ~Copyable, from chain: FrameChain
    ) throws(WALReadError) -> Bool {
        var reader = CommitReader(from: chain, maximumCommitByteCount: limits.commitByteCount)
        let end = try read(&files, into: &reader, upTo: .max - 1, limit: limits.stepByteCount)
        position?.chain = reader.committed
        held += reader.commits
        return end != nil
    }
}
