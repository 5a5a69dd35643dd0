import Model
import SQLiteWAL
import Syscalls

/// How a database file, and what checkpoints had done of its log, stood at a moment.
///
/// While a database has a log only checkpoints write its file: one says in the index how far it will go before it writes
/// anything, and how far it came when it is done, and holds a lock meanwhile. So a file that is another than before,
/// beside an index that says the same and with no checkpoint under way, was written by somebody whom no log tells of.
struct FileMark {
    /// What checkpoints have done of a generation.
    struct Progress: Hashable {
        var salts: WALSalts
        /// Up to this frame the log is in the file.
        var backfilledFrameCount: UInt32
        /// Up to this frame a checkpoint has begun to write.
        var attemptedFrameCount: UInt32
        /// Up to this frame the log is committed.
        var lastFrame: UInt32

        /// A checkpoint was begun and has not said that it is done.
        var isBehind: Bool { attemptedFrameCount > backfilledFrameCount }

        /// Whether checkpoints have done the same, whatever was committed.
        func isSame(as other: Progress) -> Bool {
            salts == other.salts && backfilledFrameCount == other.backfilledFrameCount
                && attemptedFrameCount == other.attemptedFrameCount
        }
    }

    /// What says that a file was written: the time is asked for as well, because a writer can set its other times.
    struct Version: Hashable {
        var modified: Instant
        var byteCount: Int64
    }

    /// Asked before the file and after it.
    var before: Progress
    var after: Progress
    var version: Version
    /// When the file, or what is known of it, was changed last, by the kernel's clock.
    var changed: Instant
    /// Somebody holds the lock of checkpoints, or it could not be asked.
    var mayBeUnderWay: Bool

    /// No checkpoint can have written what was written since an earlier mark.
    func isUnexplained(since earlier: FileMark) -> Bool {
        isUntold(since: earlier) && !after.isBehind
    }

    /// The index tells of no checkpoint since an earlier mark. One that was begun before may be going on, without the lock
    /// where its process is the only one, or its process is gone.
    func isUntold(since earlier: FileMark) -> Bool {
        version != earlier.version && !mayBeUnderWay && after.isSame(as: earlier.before)
    }
}

extension DatabaseFiles {
    /// How the file stands; nil where no index says what checkpoints have done.
    ///
    /// Cost: beside an earlier mark of the same version three calls of the kernel.
    mutating func mark(after earlier: FileMark? = nil) -> FileMark? {
        guard let before = progress(), let status = try? database.status() else { return nil }
        let version = FileMark.Version(modified: status.modified, byteCount: status.byteCount)
        if var same = earlier, same.version == version, same.changed == status.changed {
            (same.before, same.after) = (before, before)
            return same
        }
        // In this order: a checkpoint that let go of the lock has said before that it is done.
        let mayBeUnderWay = mayBeCheckpointing
        guard let after = progress() else { return nil }
        return FileMark(
            before: before, after: after, version: version, changed: status.changed, mayBeUnderWay: mayBeUnderWay)
    }

    private mutating func progress() -> FileMark.Progress? {
        guard let index = try? CaptureMachine.index(of: &self), let attempted = attemptedFrameCount else { return nil }
        return FileMark.Progress(
            salts: index.salts, backfilledFrameCount: index.backfilledFrameCount,
            attemptedFrameCount: attempted, lastFrame: index.lastFrame)
    }

    // MARK: What a checkpoint wrote

    /// More frames than these behind the last checkpoint are not read to compare what it wrote.
    private static var maximumRestCount: UInt32 { 4_096 }
    /// So many frames, and less pages, are compared.
    private static var comparedFrameCount: UInt32 { 32 }

    /// Whether the newest pages that checkpoints of this generation wrote are in the file as they stand in the log.
    ///
    /// Whoever put another state into the file has put other pages there, those of the last commits at least.
    /// Returns: nil where that cannot be said: no frame is in the file yet, a checkpoint is under way or the log moves on.
    mutating func holdsWhatWasCheckpointed() -> Bool? {
        guard let start = progress(), start.backfilledFrameCount > 0,
            start.backfilledFrameCount == start.attemptedFrameCount,
            start.lastFrame >= start.backfilledFrameCount,
            start.lastFrame - start.backfilledFrameCount <= Self.maximumRestCount,
            case .header(let header)? = try? CaptureMachine.header(of: &self), header.salts == start.salts
        else { return nil }
        let size = header.pageSize
        // What was written to the log again since, or cut off, a checkpoint may have left out.
        var passed: Set<UInt32> = []
        var pageCount = UInt32.max
        var frame = start.lastFrame
        var compared: [(page: UInt32, inLog: [UInt8], inFile: [UInt8])] = []
        var bytes: [UInt8] = []
        let end = start.backfilledFrameCount - min(start.backfilledFrameCount, Self.comparedFrameCount)
        while frame > end {
            let isWritten = frame <= start.backfilledFrameCount
            let count = WALFrameHeader.byteCount + (isWritten ? size.byteCount : 0)
            guard (try? readLog(at: size.offset(ofFrame: frame), count: count, into: &bytes)) != nil,
                bytes.count == count,
                // SAFETY: the array lives through the call, which only reads it.
                let found = unsafe WALFrameHeader(bytes.span.bytes)
            else { return nil }
            // Published without a checksum: nothing says what was written.
            guard found.salts == start.salts else { return nil }
            if found.isCommit, frame >= start.backfilledFrameCount {
                pageCount = min(pageCount, found.databasePageCount)
            }
            if passed.insert(found.page).inserted, isWritten, found.page > 0, found.page <= pageCount {
                var inFile: [UInt8] = []
                let offset = Int64(found.page - 1) * Int64(size.byteCount)
                guard (try? database.read(upTo: size.byteCount, at: offset, appendingTo: &inFile)) != nil else {
                    return nil
                }
                compared.append((found.page, Array(bytes[WALFrameHeader.byteCount...]), inFile))
            }
            frame -= 1
        }
        guard progress()?.isSame(as: start) == true, !compared.isEmpty else { return nil }
        return compared.allSatisfy { $0.inLog == $0.inFile }
    }
}
