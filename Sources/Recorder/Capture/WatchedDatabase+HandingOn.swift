import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// What was found goes on as commits and gaps, with the names of those who may have written it.
extension WatchedDatabase {
    /// Hands on what was found up to a moment, with the names of those who may have written it.
    mutating func handOn(resolvedUpTo: Instant, sink: some CaptureSink) {
        var count = 0
        while count < staged.count, staged[count].high <= resolvedUpTo {
            let first = count
            while count < staged.count, staged[count].high <= resolvedUpTo, isNewCommit(staged[count]) { count += 1 }
            if count > first {
                handOnCommits(first..<count, sink: sink)
            } else {
                handOn(staged[count], sink: sink)
                count += 1
            }
        }
        guard count > 0 else { return }
        staged.removeFirst(count)
        history.forget(before: staged.first?.low ?? lastLook)
    }

    /// A commit that is not stored yet.
    private func isNewCommit(_ entry: Staged) -> Bool {
        guard stream != nil, case .commit(let commit, _) = entry.finding else { return false }
        guard entry.isOfBefore, let known = lastStored, commit.salts.rawValue == known.salts else { return true }
        return commit.frame > known.frame
    }

    /// Parameter range: of `staged`, new commits all, and not none.
    private mutating func handOnCommits(_ range: Range<Int>, sink: some CaptureSink) {
        guard var stream else { return }
        if !isAnnounced {
            if case .commit(let commit, _) = staged[range.lowerBound].finding, let first = commit.pages.first, first > 0 {
                stream.pageSize = UInt32(clamping: commit.bytes.count / commit.pages.count)
            }
            announce(stream, sink: sink)
        }
        var number = claim(UInt64(range.count), of: &stream, sink: sink)
        foundCount += range.count
        var commits: [CapturedCommit] = []
        commits.reserveCapacity(range.count)
        var (attribution, writers) = (CapturedCommit.Attribution.unknown, [ActorProcess]())
        for place in range {
            let entry = staged[place]
            guard case .commit(let commit, let proof) = entry.finding else { continue }
            stagedByteCount -= commit.bytes.count
            // Those of one look have the same writers.
            if place == range.lowerBound || !entry.isOfSameLook(as: staged[place - 1]) {
                (attribution, writers) =
                    entry.isOfBefore
                    ? (.unknown, []) : history.writers(low: entry.low, high: entry.high, holder: entry.holder)
            }
            commits.append(
                CapturedCommit(
                    number: number, low: entry.low, high: entry.high,
                    databasePageCount: commit.databasePageCount, frame: commit.frame, salts: commit.salts.rawValue,
                    changeCounter: nil, status: CapturedCommit.Status(proof), attribution: attribution,
                    writers: writers,
                    checkpointer: [], pages: commit.pages, bytes: commit.bytes))
            number += 1
        }
        sink.take(commits, of: stream.uuid)
    }

    /// Hands on what is no new commit.
    private mutating func handOn(_ entry: Staged, sink: some CaptureSink) {
        if case .commit(let commit, _) = entry.finding {
            stagedByteCount -= commit.bytes.count
            return
        }
        guard var stream else {
            if case .missed = entry.finding { sink.take(.unseen(path, low: entry.low, high: entry.high)) }
            return
        }
        if !isAnnounced { announce(stream, sink: sink) }
        switch entry.finding {
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
        begin(DatabaseFiles.Identity(device: stream.device, inode: stream.inode), sink: sink)
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

extension WatchedDatabase.Staged {
    fileprivate func isOfSameLook(as other: Self) -> Bool {
        (low, high) == (other.low, other.high) && (holder, isOfBefore) == (other.holder, other.isOfBefore)
    }
}
