import Block
import Model
import Segment
import Syscalls

/// Databases that are written with a rollback journal, whose changes are in no log: they are listed as not captured.
///
/// Bounded: `maximumCount` are looked at in a run, and the next one is said not to be listed.
struct JournaledDatabases {
    private var seen: Set<RawPath> = []
    private let maximumCount: Int
    private var isTold = false
    static let reason =
        "changes go into the file itself, not into a log: PRAGMA journal_mode=WAL has them captured"

    init(maximumCount: Int = 4_096) {
        self.maximumCount = maximumCount
    }

    /// Somebody wrote the journal of `path`: the database is looked at once.
    mutating func note(_ path: RawPath, access: DatabaseAccess, sink: some CaptureSink) {
        guard !seen.contains(path), !isTold else { return }
        guard let database = access.openFile(path), let identity = try? DatabaseFiles.identity(of: database) else {
            return
        }
        // An empty file is a database whose first transaction is under way; the next one says more.
        guard let header = Header(of: database) else { return }
        guard seen.count < maximumCount else {
            guard header.isJournaled else { return }
            isTold = true
            sink.take(.unlisted(path, count: maximumCount, at: Clock.realtime()))
            return
        }
        seen.insert(path)
        guard header.isJournaled else { return }
        var generator = SystemRandomNumberGenerator()
        var stream = sink.resume(
            DatabaseStream(
                uuid: UUIDBytes(high: generator.next(), low: generator.next()), device: identity.device,
                inode: identity.inode, birth: nil, paths: [path], pageSize: header.pageSize,
                firstSeen: Clock.realtime())
        ).stream
        stream.condition = .rollbackJournal
        stream.detail = Self.reason
        sink.take(.stream(stream))
    }

    /// What the first page of a database says. https://www.sqlite.org/fileformat2.html §1.3
    struct Header {
        var pageSize: UInt32
        /// It is written with a rollback journal (write version 1), not with a log (2).
        var isJournaled: Bool

        private static let byteCount = 100
        private static let magic = Array("SQLite format 3\u{0}".utf8)

        /// nil where it is not the header of a database.
        init?(of database: borrowing OwnedDescriptor) {
            var bytes: [UInt8] = []
            _ = try? database.read(upTo: Self.byteCount, at: 0, appendingTo: &bytes)
            guard bytes.count == Self.byteCount, bytes.starts(with: Self.magic) else { return nil }
            let size = UInt32(bytes[16]) << 8 | UInt32(bytes[17])
            pageSize = size == 1 ? 65_536 : size
            isJournaled = bytes[18] == 1
        }
    }
}
