import CLinux
import Glibc
import Model
import SQLiteWAL
import Syscalls

/// The files of one database, open for reading for as long as there is something to read. Nothing is written or locked.
///
/// POSIX locks of a file end when a process closes any descriptor of it, unless that was opened with O_PATH: each file is
/// looked at that way first, and opened only if it is none of the store's own.
struct DatabaseFiles: ~Copyable, WALReading {
    /// Which file it is, whatever its name.
    struct Identity: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
    }

    let path: RawPath
    let database: OwnedDescriptor
    let identity: Identity
    let log: OwnedDescriptor
    let logIdentity: Identity
    private let access: DatabaseAccess
    private var index: OwnedDescriptor?

    private static let writeLock: Range<Int64> = 120..<121
    private static let checkpointLock: Range<Int64> = 121..<122
    private static let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY

    /// Throws: ENOENT where the database or its log is gone; EINVAL where one is no regular file; EPERM where one is a
    /// file of the recorder's store.
    init(
        _ path: RawPath, access: DatabaseAccess = DatabaseAccess(store: nil, readsAsUser: false)
    ) throws(SyscallError) {
        let own = access.ownFiles
        let log = try Self.open(Self.logPath(of: path), except: own)
        let database = try Self.open(path, except: own)
        let logIdentity = try Self.identity(of: log)
        let identity = try Self.identity(of: database)
        self.init(
            path: path, database: database, identity: identity, log: log, logIdentity: logIdentity, access: access,
            index: try? Self.open(Self.indexPath(of: path), except: own))
    }

    private init(
        path: RawPath, database: consuming OwnedDescriptor, identity: Identity, log: consuming OwnedDescriptor,
        logIdentity: Identity, access: DatabaseAccess, index: consuming OwnedDescriptor?
    ) {
        self.path = path
        self.database = database
        self.identity = identity
        self.log = log
        self.logIdentity = logIdentity
        self.access = access
        self.index = index
    }

    static func logPath(of path: RawPath) -> RawPath { RawPath(path.bytes + Array("-wal".utf8)) }
    static func indexPath(of path: RawPath) -> RawPath { RawPath(path.bytes + Array("-shm".utf8)) }

    /// Throws: EINVAL where it is no regular file; EPERM where it is one of `own`.
    static func open(_ path: RawPath, except own: [Identity]) throws(SyscallError) -> OwnedDescriptor {
        let seen = try OwnedDescriptor.open(path, flags: O_PATH | O_NOFOLLOW)
        guard try seen.status().kind == .regular else { throw SyscallError(call: "open", errno: EINVAL, subject: path) }
        guard !own.contains(try identity(of: seen)) else {
            throw SyscallError(call: "open", errno: EPERM, subject: path)
        }
        return try OwnedDescriptor.open(RawPath("/proc/self/fd/\(seen.fileDescriptor)"), flags: flags)
    }

    static func identity(of file: borrowing OwnedDescriptor) throws(SyscallError) -> Identity {
        let status = try file.status()
        return Identity(device: status.device, inode: status.inode)
    }

    /// The log has no name any more: its last user has closed it.
    var isLogRemoved: Bool { (try? log.status().linkCount) == 0 }

    /// All three files still have their names and the database is not one with a rollback journal: whatever was written to
    /// its file came from a log, and the index that is open tells how far.
    var isUndisturbed: Bool { hasItsNames && JournaledDatabases.Header(of: database)?.isJournaled != true }

    /// Whoever opens the database by its name opens these three files.
    var hasItsNames: Bool {
        guard let index = try? index?.status() else { return false }
        return Self.isNamed(path, identity) && Self.isNamed(Self.logPath(of: path), logIdentity)
            && Self.isNamed(Self.indexPath(of: path), Identity(device: index.device, inode: index.inode))
    }

    private static func isNamed(_ path: RawPath, _ identity: Identity) -> Bool {
        guard let status = try? path.status() else { return false }
        return identity == Identity(device: status.device, inode: status.inode)
    }

    /// When the database's inode was made.
    var birth: Instant? { database.birth }

    /// When the log, whose last change was that, lost its name.
    var logChanged: Instant? { try? log.status().changed }

    /// When the database file was changed last.
    var databaseChanged: Instant? { try? database.status().changed }

    /// Whether the log may have been copied into the database since it began; false where the index says that nobody
    /// tried.
    var mayBeCheckpointed: Bool { attemptedFrameCount != 0 }

    /// Up to which frame of the generation a checkpoint has begun to write the database; nil where there is no index.
    var attemptedFrameCount: UInt32? {
        var bytes: [UInt8] = []
        let place = WALIndexHeader.attemptedOffset
        guard (try? index?.read(upTo: 4, at: place, appendingTo: &bytes)) != nil, bytes.count == 4 else { return nil }
        // In the machine's own order.
        return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }.littleEndian
    }

    /// Something says what is committed; not so in exclusive locking mode.
    var hasIndex: Bool { index != nil }

    /// A checkpoint is under way, or it cannot be asked whether one is.
    var mayBeCheckpointing: Bool {
        guard index != nil else { return true }
        do throws(SyscallError) {
            return try index?.lockHolder(of: Self.checkpointLock) != nil
        } catch {
            return true
        }
    }

    /// The process that holds the write lock; nil where none does or it cannot be asked.
    var writer: Int32? { (try? index?.lockHolder(of: Self.writeLock)) ?? nil }

    /// The index is made after the log.
    mutating func findIndex() {
        guard index == nil else { return }
        let path = path
        let access = access
        index = access.asUser { try? Self.open(Self.indexPath(of: path), except: access.ownFiles) }
    }

    // MARK: WALReading

    mutating func readLog(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
        bytes.removeAll(keepingCapacity: true)
        do throws(SyscallError) {
            try log.read(upTo: count, at: offset, appendingTo: &bytes)
        } catch {
            throw WALReadError(error.description)
        }
    }

    mutating func readIndex(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
        bytes.removeAll(keepingCapacity: true)
        do throws(SyscallError) {
            _ = try index?.read(upTo: count, at: offset, appendingTo: &bytes)
        } catch {
            throw WALReadError(error.description)
        }
    }

    mutating func logByteCount() throws(WALReadError) -> Int64 {
        do throws(SyscallError) {
            return try log.status().byteCount
        } catch {
            throw WALReadError(error.description)
        }
    }

    mutating func isWriting() throws(WALReadError) -> Bool? {
        guard index != nil else { return nil }
        return writer != nil
    }
}
