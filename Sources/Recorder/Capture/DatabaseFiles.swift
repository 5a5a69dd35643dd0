import Glibc
import Model
import SQLiteWAL
import Syscalls

/// The files of one database, open for reading for as long as there is something to read. Nothing is written or locked.
///
/// POSIX locks of a file end when a process closes any descriptor of it: this process must never have the same files open
/// through SQLite, which holds because its own store is not watched.
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
    private var index: OwnedDescriptor?

    private static let writeLock: Range<Int64> = 120..<121
    private static let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY

    /// Throws: ENOENT where the database or its log is gone; EINVAL where one is no regular file.
    init(_ path: RawPath) throws(SyscallError) {
        let log = try Self.open(Self.logPath(of: path))
        let database = try Self.open(path)
        let logIdentity = try Self.identity(of: log)
        let identity = try Self.identity(of: database)
        self.init(
            path: path, database: database, identity: identity, log: log, logIdentity: logIdentity,
            index: try? Self.open(Self.indexPath(of: path)))
    }

    /// As `init`; nil where it fails, or where the real user may not read the files and they are read with lent rights.
    static func open(_ path: RawPath, asUser: Bool) -> DatabaseFiles? {
        guard asUser, Capabilities.isEffective(.dacReadSearch) else { return try? DatabaseFiles(path) }
        guard (try? Capabilities.lower([.dacReadSearch])) != nil else { return nil }
        let files = try? DatabaseFiles(path)
        try? Capabilities.raise([.dacReadSearch])
        return files
    }

    private init(
        path: RawPath, database: consuming OwnedDescriptor, identity: Identity, log: consuming OwnedDescriptor,
        logIdentity: Identity, index: consuming OwnedDescriptor?
    ) {
        self.path = path
        self.database = database
        self.identity = identity
        self.log = log
        self.logIdentity = logIdentity
        self.index = index
    }

    static func logPath(of path: RawPath) -> RawPath { RawPath(path.bytes + Array("-wal".utf8)) }
    static func indexPath(of path: RawPath) -> RawPath { RawPath(path.bytes + Array("-shm".utf8)) }

    private static func open(_ path: RawPath) throws(SyscallError) -> OwnedDescriptor {
        let file = try OwnedDescriptor.open(path, flags: flags)
        guard try file.status().kind == .regular else { throw SyscallError(call: "open", errno: EINVAL, subject: path) }
        return file
    }

    private static func identity(of file: borrowing OwnedDescriptor) throws(SyscallError) -> Identity {
        let status = try file.status()
        return Identity(device: status.device, inode: status.inode)
    }

    /// The log has no name any more: its last user has closed it.
    var isLogRemoved: Bool { (try? log.status().linkCount) == 0 }

    /// The process that holds the write lock; nil where none does or it cannot be asked.
    var writer: Int32? { (try? index?.lockHolder(of: Self.writeLock)) ?? nil }

    /// The index is made after the log.
    mutating func findIndex() {
        if index == nil { index = try? Self.open(Self.indexPath(of: path)) }
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
