import Glibc
import Model
import Syscalls

/// The file of a database with a rollback journal, open for one reading. Nothing is written or locked.
struct JournalFile: ~Copyable {
    let path: RawPath
    let descriptor: OwnedDescriptor
    let identity: DatabaseFiles.Identity
    private let access: DatabaseAccess

    /// PENDING and RESERVED. lockingv3.html §3; os.h, PENDING_BYTE
    private static let writeLocks: Range<Int64> = 0x4000_0000..<0x4000_0002

    /// nil where it cannot be opened, or may not.
    init?(_ path: RawPath, access: DatabaseAccess) {
        guard let opened = access.openFile(path), let identity = try? DatabaseFiles.identity(of: opened) else {
            return nil
        }
        self.init(path: path, opened, identity, access)
    }

    private init(
        path: RawPath, _ descriptor: consuming OwnedDescriptor, _ identity: DatabaseFiles.Identity,
        _ access: DatabaseAccess
    ) {
        self.path = path
        self.descriptor = descriptor
        self.identity = identity
        self.access = access
    }

    static func journalPath(of path: RawPath) -> RawPath { RawPath(path.bytes + Array("-journal".utf8)) }

    /// What there is to see before the file is read; nil where it is no database, or none with a rollback journal.
    borrowing func lookBefore() -> JournalSight? {
        guard let version, let header = JournaledDatabases.Header(of: descriptor) else { return nil }
        let hasHotJournal = hasHotJournal
        return sight(header, version, isLocked: isLocked, hasHotJournal: hasHotJournal)
    }

    /// The same after it was read, asked for in the other order.
    borrowing func lookAfter() -> JournalSight? {
        let isLocked = isLocked
        guard let header = JournaledDatabases.Header(of: descriptor) else { return nil }
        let hasHotJournal = hasHotJournal
        guard let version else { return nil }
        return sight(header, version, isLocked: isLocked, hasHotJournal: hasHotJournal)
    }

    private borrowing func sight(
        _ header: JournaledDatabases.Header, _ version: JournalSight.Version, isLocked: Bool, hasHotJournal: Bool
    ) -> JournalSight? {
        guard header.isJournaled else { return nil }
        return JournalSight(
            changeCounter: header.changeCounter, pageSize: header.pageSize, version: version, isLocked: isLocked,
            hasHotJournal: hasHotJournal, isNamed: isNamed)
    }

    /// How the file stands; asking for it has filesystems with fine times date the next change anew.
    var version: JournalSight.Version? {
        guard let status = try? descriptor.status() else { return nil }
        return JournalSight.Version(
            byteCount: status.byteCount, modified: status.modified, changed: status.changed)
    }

    private var isNamed: Bool {
        guard let status = try? path.status() else { return false }
        return identity == DatabaseFiles.Identity(device: status.device, inode: status.inode)
    }

    /// Also where it cannot be asked.
    private var isLocked: Bool {
        do throws(SyscallError) {
            return try descriptor.lockHolder(of: Self.writeLocks) != nil
        } catch {
            return true
        }
    }

    /// Also where it cannot be read. One that begins with a zero byte is none: so SQLite itself decides (pager.c,
    /// hasHotJournal).
    private var hasHotJournal: Bool {
        let journal = Self.journalPath(of: path)
        do throws(SyscallError) {
            guard try journal.status(followingLinks: false).byteCount > 0 else { return false }
        } catch {
            return error.errno != ENOENT
        }
        guard let file = access.openFile(journal) else {
            return (try? journal.status(followingLinks: false)) != nil
        }
        var bytes: [UInt8] = []
        guard (try? file.read(upTo: 1, at: 0, appendingTo: &bytes)) != nil else { return true }
        return bytes.first.map { $0 != 0 } ?? false
    }
}
