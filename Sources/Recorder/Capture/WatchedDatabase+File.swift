import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// The database file itself: who writes it, and whether that came from a log.
extension WatchedDatabase {
    struct FileWatch {
        /// The record of the last log's removal, until there is another log.
        var recordedEnd: (window: TimeWindow, pid: Int32?)?
        /// A record told of a change of the file while it had no log.
        var isTouched = false
        fileprivate var watched: UInt64?
        /// From when on changes of the file are noted.
        fileprivate var changesSince: Instant?

        /// How the file stood beside its log at the last look.
        var mark: FileMark?
        /// What the last checkpoint wrote is still to be compared with its log.
        private(set) var isContentDue = false
        /// Somebody wrote it of whom it is not known that he wrote the log as well.
        fileprivate var doubtedAt: Instant?
        /// No commit was found since the file was found to be changed: nothing more needs to be said.
        private var isTold = false

        /// The kernel dates changes by a clock that moves on every few milliseconds: what was written in the same tick as
        /// the end of a checkpoint cannot be told from it by its time.
        private static let settlingNanoseconds: Int64 = 50_000_000

        /// Whether somebody wrote the file since the last look, or may have, and no checkpoint did.
        mutating func isWrittenByOthers(_ files: inout DatabaseFiles) -> Bool {
            guard let new = files.mark(after: mark) else { return false }
            guard let old = mark else {
                mark = new
                return false
            }
            let isWritten = new.version != old.version || new.changed != old.changed
            // Of files that lost their names others may have been written, and another index tells of that.
            guard isWritten || isContentDue, files.hasItsNames else {
                mark = new
                return false
            }
            mark = new
            if new.isUnexplained(since: old) {
                isContentDue = false
                return true
            }
            let now = Clock.realtime()
            if new.isUntold(since: old) { doubtedAt = now }
            if isWritten { isContentDue = true }
            guard now >= new.changed.advanced(byNanoseconds: Self.settlingNanoseconds) else { return false }
            isContentDue = false
            guard let isRight = files.holdsWhatWasCheckpointed() else { return false }
            if isRight { doubtedAt = nil }
            return !isRight
        }

        /// Whether it is to be told that the file was changed.
        mutating func tells() -> Bool {
            defer { isTold = true }
            return !isTold
        }

        mutating func noteCommits() { isTold = false }
    }

    /// Somebody wrote the file itself: what a log held, or what no log tells of.
    mutating func noteChange(by process: ActorProcess?, window: TimeWindow, access: DatabaseAccess) {
        fileHistory.add(process, window)
        guard let end = fileWatch.recordedEnd else {
            // A checkpoint is mostly made by somebody who commits.
            let isOther = process.map { !history.holds($0) } ?? true
            if isOther { fileWatch.doubtedAt = window.time }
            // In exclusive locking mode always: nobody else may write the file.
            if isOther, files?.hasIndex == false, fileWatch.tells() {
                stage(.missed(count: nil, cause: .changed), high: window.time, low: window.earliest, after: told)
            }
            // Beside a log that rests, the file is looked at.
            reopen(access: access)
            hurry()
            return
        }
        // Making, writing and removing a log may be one record, which then stands before that of the copying.
        if let pid = process?.pid, pid == end.pid, window.earliest < end.window.time { return }
        fileWatch.isTouched = true
    }

    /// Hands on that the file is to be compared with its commits, when those are handed on that came before.
    mutating func handOnDoubt(resolvedUpTo: Instant, sink: some CaptureSink) {
        guard let doubted = fileWatch.doubtedAt, doubted <= resolvedUpTo, !fileWatch.isContentDue || !isOpen,
            waitsSince.map({ $0 >= doubted }) ?? true, let stream, isAnnounced
        else { return }
        fileWatch.doubtedAt = nil
        sink.take(.doubted(stream.uuid))
    }

    mutating func doubtFile() { fileWatch.isTouched = true }

    /// Has changes of the file noted from now on.
    mutating func watchChanges(_ notes: LogNotes) {
        guard let stream, fileWatch.watched != stream.inode else { return }
        notes.watch(stream.inode)
        fileWatch.watched = stream.inode
        fileWatch.changesSince = Clock.realtime()
    }

    /// While a database has no log nothing changes it but what no log tells of: another file's contents that are copied
    /// into it, or a transaction without any journal.
    ///
    /// Parameters: `moment` when the file was changed last; `isCopied` that this may have been its new log, which hides
    /// what went before, so that only the records tell of it; `isTold` that records say which file they are of.
    func isChanged(_ moment: Instant?, isCopied: Bool, isTold: Bool) -> Bool {
        guard let end = logEnd, let moment else { return true }
        guard moment > end else { return false }
        return !isCopied || fileWatch.isTouched || !isTold || fileWatch.changesSince.map { end <= $0 } ?? true
    }
}
