import Block
import Fanotify
import Model

/// Writes to the logs of databases, which *capture* is told of.
extension Resolver {
    /// The name ends like that of a write-ahead log of SQLite.
    func isLogName(_ name: RawSpan) -> Bool {
        let count = name.byteCount
        guard count > 4 else { return false }
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt32.
        let end = unsafe name.unsafeLoadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        return UInt32(littleEndian: end) == 0x6C61_772D
    }

    /// The name ends like that of a rollback journal of SQLite.
    func isJournalName(_ name: RawSpan) -> Bool {
        let count = name.byteCount
        guard count > 8 else { return false }
        // SAFETY: bounds are checked by the call itself; every bit pattern is a UInt64.
        let end = unsafe name.unsafeLoadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        return UInt64(littleEndian: end) == 0x6C61_6E72_756F_6A2D
    }

    /// What a record tells of, where *capture* is to hear of it.
    func notedKind(
        _ record: EventRecord, _ name: RawSpan, _ identity: FileIdentity?, _ notes: LogNotes
    ) -> LogNotes.Kind? {
        if isLogName(name) { return .log }
        if isJournalName(name) { return .journal }
        guard record.mask.contains(.modify), let identity, identity.root == 0 else { return nil }
        return notes.watches(identity.inode) ? .database : nil
    }

    /// Somebody made, wrote or removed what may be the log or the journal of a database that is captured, or wrote that
    /// itself.
    func noteLog(
        _ record: EventRecord, kind: LogNotes.Kind, name: RawSpan, in directory: DirectoryTree.Index,
        identity: FileIdentity?,
        by actor: (index: ProcessIndex, isUncertain: Bool)?, window: TimeWindow, to notes: LogNotes
    ) {
        guard var path = pathBytes(of: directory) else { return }
        if path.last != UInt8(ascii: "/") { path.append(UInt8(ascii: "/")) }
        // SAFETY: the buffer is lent for the call and only read.
        unsafe name.withUnsafeBytes { unsafe path.append(contentsOf: $0) }
        var process: ActorProcess?
        if let actor, !actor.isUncertain, actor.index != .absent { process = batch.processes[Int(actor.index)] }
        let inode = identity.flatMap { $0.root == 0 ? $0.inode : nil }
        notes.add(
            LogNotes.Note(
                path: RawPath(path), inode: inode, process: process, window: window,
                isCreation: record.mask.contains(.create), isWrite: record.mask.contains(.modify),
                isRemoval: record.mask.contains(.delete), kind: kind))
    }
}
