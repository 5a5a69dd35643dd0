import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// What was found goes on as commits and gaps, with the names of those who may have written it.
extension WatchedDatabase {
    /// Takes in what a look found, commits together.
    ///
    /// Parameters: as in `Staged`.
    mutating func stage(
        _ findings: [CaptureFinding], low: Instant, high: Instant, holder: Int32?, isOfBefore: Bool
    ) {
        func staged(_ content: Staged.Content) -> Staged {
            Staged(content: content, low: low, high: high, holder: holder, isOfBefore: isOfBefore)
        }
        var commits: [(commit: WALCommit, proof: CommitProof)] = []
        func takeCommits() -> Staged? {
            defer { commits = [] }
            return commits.isEmpty ? nil : staged(.commits(CommitBatch(commits)))
        }
        var entries: [Staged] = []
        for finding in findings {
            if case .commit(let commit, let proof) = finding {
                commits.append((commit, proof))
                continue
            }
            if let entry = takeCommits() { entries.append(entry) }
            entries.append(staged(.other(finding)))
        }
        if let entry = takeCommits() { entries.append(entry) }
        if entries.contains(where: \.holdsCommits) { fileWatch.noteCommits() }
        for entry in entries { stagedByteCount += entry.byteCount }
        self.staged += entries
    }

    /// Hands on what was found up to a moment, with the names of those who may have written it.
    mutating func handOn(resolvedUpTo: Instant, sink: some CaptureSink) {
        var count = 0
        while count < staged.count, staged[count].high <= resolvedUpTo {
            let entry = staged[count]
            stagedByteCount -= entry.byteCount
            switch entry.content {
            case .commits(let commits): handOn(commits, entry, sink: sink)
            case .other(let finding): handOn(finding, entry, sink: sink)
            }
            count += 1
        }
        guard count > 0 else { return }
        staged.removeFirst(count)
        history.forget(before: min(staged.first?.low ?? lastLook, handedOnUpTo))
        fileHistory.forget(before: handedOnUpTo)
    }

    /// Who wrote the file since the last commits that were handed on, and did not write the log.
    private func checkpointers(low: Instant, high: Instant) -> [ActorProcess] {
        let found = fileHistory.writers(low: low, high: high, holder: nil).writers
        guard !found.isEmpty else { return [] }
        let writers = history.writers(low: low, high: high, holder: nil).writers
        return found.filter { one in !writers.contains { $0.instance == one.instance } }
    }

    private mutating func handOn(_ commits: CommitBatch, _ entry: Staged, sink: some CaptureSink) {
        guard var stream else { return }
        var batch = CapturedBatch(
            commits: commits, first: 0, low: entry.low, high: entry.high, attribution: .unknown, writers: [])
        if entry.isOfBefore, let known = lastStored {
            batch.skippedCount =
                commits.entries.prefix { $0.commit.salts.rawValue == known.salts && $0.commit.frame <= known.frame }
                .count
        }
        guard batch.count > 0 else { return }
        if !isAnnounced {
            if let size = commits.entries.first?.pageSize, size > 0 { stream.pageSize = UInt32(clamping: size) }
            announce(stream, sink: sink)
        }
        batch.first = claim(UInt64(batch.count), of: &stream, sink: sink)
        foundCount += batch.count
        if !entry.isOfBefore {
            (batch.attribution, batch.writers) =
                history.writers(low: entry.low, high: entry.high, holder: entry.holder)
            batch.checkpointers = checkpointers(low: handedOnUpTo, high: entry.high)
        }
        handedOnUpTo = max(handedOnUpTo, entry.high)
        sink.take(.commits(stream.uuid, batch))
    }

    private mutating func handOn(_ finding: CaptureFinding, _ entry: Staged, sink: some CaptureSink) {
        guard var stream else {
            if case .missed = finding { sink.take(.unseen(path, low: entry.low, high: entry.high)) }
            return
        }
        if !isAnnounced { announce(stream, sink: sink) }
        switch finding {
        case .commit, .orphan: break
        case .missed(let count, let cause):
            if count == 0 { return }
            let numbers = UInt64(count ?? 1)
            let first = claim(numbers, of: &stream, sink: sink)
            missedCount += Int(count ?? 0)
            sink.take(
                .gap(
                    stream.uuid,
                    CaptureGap(
                        first: first, last: first + numbers - 1, missedCount: count.map(UInt64.init), low: entry.low,
                        high: entry.high, cause: CaptureGap.Cause(cause))))
        case .retracted:
            // The newest commits are gone; what comes next builds on an older state.
            let number = claim(1, of: &stream, sink: sink)
            sink.take(
                .gap(
                    stream.uuid,
                    CaptureGap(
                        first: number, last: number, missedCount: nil, low: entry.low, high: entry.high,
                        cause: .diverged)))
        }
    }

    /// The first of the next `count` numbers of the stream, which is taken back where it went on under another name.
    private mutating func claim(_ count: UInt64, of stream: inout DatabaseStream, sink: some CaptureSink) -> UInt64 {
        if let first = sink.claim(count, of: stream.uuid, as: path) { return first }
        begin(
            DatabaseFiles.Identity(device: stream.device, inode: stream.inode), born: stream.birth, sink: sink)
        guard let resumed = self.stream else { return 0 }
        announce(resumed, sink: sink)
        stream = resumed
        // Only this thread resumes streams.
        return sink.claim(count, of: resumed.uuid, as: path) ?? 0
    }

    private mutating func announce(_ stream: DatabaseStream, sink: some CaptureSink) {
        self.stream = stream
        sink.take(.stream(stream))
        isAnnounced = true
    }
}
