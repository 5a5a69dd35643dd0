import Glibc
import Model
import Segment
import Syscalls

/// What is known of a database when the recorder ends.
///
/// A commit that was visible by then is in the log that the last look read, or was copied from it into the database file.
/// So both files themselves are asked, and no record of a write has to have come.
extension WatchedDatabase {
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
        guard let stream, isAnnounced, let moment = watchedUntil(stream, access: access),
            // Nobody knows what went on through another name of the file.
            sink.claim(0, of: stream.uuid, as: path) != nil
        else { return }
        sink.take(.watched(stream.uuid, until: moment))
    }

    private func watchedUntil(_ stream: DatabaseStream, access: DatabaseAccess) -> Instant? {
        guard stream.condition == .captured, !isPastLog, !isWaiting else { return nil }
        let now = Clock.realtime()
        guard let file = access.openFile(path), let status = try? file.status(),
            stream.isFile(DatabaseFiles.Identity(device: status.device, inode: status.inode))
        else { return nil }
        do throws(SyscallError) {
            let named = try DatabaseFiles.logPath(of: path).status()
            // The log that was read to its end is still the one that is written.
            guard logEnd == nil, log == DatabaseFiles.Identity(device: named.device, inode: named.inode) else {
                return nil
            }
            return settledAt
        } catch {
            // Another log would have been copied into the file before it was removed.
            guard error.errno == ENOENT, let logEnd, status.changed <= logEnd else { return nil }
            return now
        }
    }
}

extension DatabaseStream {
    func isFile(_ file: DatabaseFiles.Identity) -> Bool { device == file.device && inode == file.inode }
}
