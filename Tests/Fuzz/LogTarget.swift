import SQLiteWAL

extension FuzzTarget {
    private static let greatestStageCount = 8
    private static let looksPerStage = 6
    private static let lookNanoseconds: Int64 = 30_000_000

    /// Input: a byte of choices, then stages: a log and an index, each behind two bytes of its count.
    ///
    /// The files become what a stage says, and are looked at some times, in steps that pass every time limit. The checksums
    /// of log and index are made right where the choices say so.
    static func runLog(_ input: [UInt8]) {
        var cursor = InputCursor(input)
        let choices = LogChoices(rawValue: cursor.byte())
        var limits = CaptureMachine.Limits()
        if choices.contains(.smallLimits) { (limits.stepByteCount, limits.commitByteCount) = (4_096, 2_048) }
        var machine = CaptureMachine(
            isFresh: choices.contains(.isFresh), takesWholeLog: choices.contains(.takesWholeLog), limits: limits)
        var now: Int64 = 0
        for _ in 0..<greatestStageCount where !cursor.isAtEnd {
            var files = HeldFiles(log: cursor.counted(), index: cursor.counted(), choices: choices)
            for _ in 0..<looksPerStage {
                now += lookNanoseconds
                guard let step = try? machine.step(&files, now: now) else { return }
                for case .commit(let commit, _) in step.findings { check(commit) }
            }
        }
    }

    private static func check(_ commit: WALCommit) {
        precondition(zip(commit.pages, commit.pages.dropFirst()).allSatisfy(<))
        // A forged one may also have no pages that the database has.
        precondition(!commit.isOversized || commit.pages.isEmpty)
        guard let last = commit.pages.last else { return }
        precondition(last <= commit.databasePageCount && commit.bytes.count % commit.pages.count == 0)
    }
}

private struct LogChoices: OptionSet {
    let rawValue: UInt8
    static let signsLog = LogChoices(rawValue: 1)
    static let signsIndex = LogChoices(rawValue: 2)
    static let isFresh = LogChoices(rawValue: 4)
    static let takesWholeLog = LogChoices(rawValue: 8)
    static let isWriting = LogChoices(rawValue: 16)
    static let smallLimits = LogChoices(rawValue: 32)
    /// Frames get the salts of the header.
    static let salts = LogChoices(rawValue: 64)
}

extension HeldFiles {
    /// The files of a database as an input has them.
    fileprivate init(log: [UInt8], index: [UInt8], choices: LogChoices) {
        self.init(log: log, index: index, isWritten: choices.contains(.isWriting))
        let sums = choices.contains(.signsLog) ? signLog(salts: choices.contains(.salts)) : []
        if choices.contains(.signsIndex) { signIndex(sums) }
    }

    /// Source: SQLite, fileformat2.html §4.1 and §4.2. Gives the checksum of each frame.
    private mutating func signLog(salts: Bool) -> [WALChecksum] {
        guard log.count >= WALHeader.byteCount else { return [] }
        let order: WALWordOrder = log[3] & 1 == 0 ? .little : .big
        var checksum = WALChecksum.zero
        add(0..<24, order, to: &checksum)
        put(checksum, at: 24)
        let size = log[8..<12].reduce(0) { $0 << 8 | Int($1) }
        guard (512...65_536).contains(size) else { return [] }
        var sums: [WALChecksum] = []
        var frame = WALHeader.byteCount
        while frame + 24 + size <= log.count {
            if salts { log.replaceSubrange(frame + 8..<frame + 16, with: Array(log[16..<24])) }
            add(frame..<frame + 8, order, to: &checksum)
            add(frame + 24..<frame + 24 + size, order, to: &checksum)
            put(checksum, at: frame + 16)
            sums.append(checksum)
            frame += 24 + size
        }
        return sums
    }

    private func add(_ range: Range<Int>, _ order: WALWordOrder, to checksum: inout WALChecksum) {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        checksum.add(unsafe log.span.bytes.extracting(range), order: order)
    }

    private mutating func put(_ checksum: WALChecksum, at offset: Int) {
        log.put(UInt64(checksum.first.byteSwapped), 4, at: offset)
        log.put(UInt64(checksum.second.byteSwapped), 4, at: offset + 4)
    }

    /// Both copies of the index's header: the checksum of the frame it names, the salts of the log, its own checksum.
    /// Source: SQLite, walformat.html §2.1.
    private mutating func signIndex(_ sums: [WALChecksum]) {
        guard index.count >= 96 else { return }
        let last = index[16..<20].reversed().reduce(0) { $0 << 8 | Int($1) }
        if last >= 1, last <= sums.count {
            index.put(UInt64(sums[last - 1].first), 4, at: 24)
            index.put(UInt64(sums[last - 1].second), 4, at: 28)
            index.replaceSubrange(32..<40, with: Array(log[16..<24]))
        }
        var checksum = WALChecksum.zero
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        checksum.add(unsafe index.span.bytes.extracting(0..<40), order: .little)
        index.put(UInt64(checksum.first), 4, at: 40)
        index.put(UInt64(checksum.second), 4, at: 44)
        index.replaceSubrange(48..<96, with: Array(index[0..<48]))
    }
}
