import Glibc
import Model
import Segment
import Syscalls

/// Up to when nothing of a database can be missing: said when the recorder ends, and where somebody asks.
///
/// A commit that was visible by then is in the log that the last look read, or was copied from it into the database file.
/// So both files themselves are asked, and no record of a write has to have come.
extension WatchedDatabase {
    /// A question and what is known of its answer so far.
    struct Inquiry {
        /// No answer was given yet.
        var isOpen = false
        /// What the files said; it counts when everything that happened by then was noted and nothing contradicts it.
        fileprivate(set) var candidate: Known?

        /// What was found out is about another log.
        mutating func forget() { candidate = nil }
    }

    /// Up to when a database is known, by its log or because it has none any more.
    struct Known {
        var moment: Instant
        var hasLog: Bool
    }

    /// Opens the log again that was closed after its last commit, if it is still the same.
    mutating func reopen(access: DatabaseAccess) {
        guard !isOpen, logEnd == nil, let stream, let log, let opened = access.open(path) else { return }
        guard opened.logIdentity == log, stream.isFile(opened.identity) else { return }
        files = consume opened
    }

    /// Hands on up to when nothing that was committed can be missing; nothing where that cannot be said.
    ///
    /// To be called after the last look, when everything that was found has been handed on.
    func tellEnd(sink: some CaptureSink, access: DatabaseAccess) {
        guard !isWaiting, let known = known(access: access) else { return }
        tell(known.moment, sink: sink)
    }

    private func tell(_ moment: Instant, sink: some CaptureSink) {
        guard let stream, isAnnounced,
            // Nobody knows what went on through another name of the file.
            sink.claim(0, of: stream.uuid, as: path) != nil
        else { return }
        sink.take(.watched(stream.uuid, until: moment))
    }

    private func known(access: DatabaseAccess) -> Known? {
        guard let source = source(access: access) else { return nil }
        switch source {
        case .log: return settledAt.map { Known(moment: $0, hasLog: true) }
        case .file(let moment): return Known(moment: moment, hasLog: false)
        }
    }

    private enum Source {
        /// The log that was read is the one that is written.
        case log
        /// There is no log, and at that moment nothing had changed the file since the last one.
        case file(Instant)
    }

    /// What holds all commits; nil where they may be elsewhere.
    private func source(access: DatabaseAccess) -> Source? {
        guard let stream, stream.condition == .captured, !isPastLog else { return nil }
        let now = Clock.realtime()
        guard let file = access.openFile(path), let status = try? file.status(),
            stream.isFile(DatabaseFiles.Identity(device: status.device, inode: status.inode))
        else { return nil }
        do throws(SyscallError) {
            let named = try DatabaseFiles.logPath(of: path).status()
            guard logEnd == nil, log == DatabaseFiles.Identity(device: named.device, inode: named.inode) else {
                return nil
            }
            return .log
        } catch {
            // Another log would have been copied into the file before it was removed.
            guard error.errno == ENOENT, let logEnd, status.changed <= logEnd else { return nil }
            return .file(now)
        }
    }

    // MARK: Where somebody asks

    /// The next look is to say up to when nothing can be missing.
    mutating func ask(access: DatabaseAccess) {
        inquiry = Inquiry(isOpen: true)
        reopen(access: access)
        hurry()
    }

    /// After a look: what the files say. Of a writer at work it may take some looks until one finds all there is.
    mutating func findCandidate(access: DatabaseAccess) {
        guard inquiry.isOpen, inquiry.candidate == nil else { return }
        guard let stream, stream.condition == .captured, !isPastLog else {
            inquiry.isOpen = false
            return
        }
        inquiry.candidate = known(access: access)
    }

    /// Hands on the answer, where everything that happened by then was noted and what was found before was handed on.
    ///
    /// The files are asked again: a record that came meanwhile may have told of another log, or of a rollback journal.
    mutating func answer(resolvedUpTo: Instant, sink: some CaptureSink, access: DatabaseAccess) {
        guard inquiry.isOpen, let candidate = inquiry.candidate, candidate.moment <= resolvedUpTo,
            waitsSince.map({ $0 >= candidate.moment }) ?? true
        else { return }
        switch source(access: access) {
        case .log where candidate.hasLog, .file where !candidate.hasLog: break
        default: return inquiry.forget()
        }
        tell(candidate.moment, sink: sink)
        told = max(told, candidate.moment)
        inquiry = Inquiry()
    }
}

extension DatabaseStream {
    func isFile(_ file: DatabaseFiles.Identity) -> Bool { device == file.device && inode == file.inode }

    /// The same, where the number may have been given out again: `other` is when the inode was made, as far as that is known.
    func isFile(_ file: DatabaseFiles.Identity, born other: Instant?) -> Bool {
        guard isFile(file) else { return false }
        guard let other else { return true }
        // Of a stream of an older store only that its file was there when it was first seen.
        return birth.map { $0 == other } ?? (other <= firstSeen)
    }
}
