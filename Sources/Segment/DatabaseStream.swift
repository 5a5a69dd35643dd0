package import Block
package import Model

/// A watched database: one file, whatever its names. Copies share salts, so a stream is known by its inode alone.
package struct DatabaseStream: Hashable, Sendable {
    /// What has become of capturing it.
    package enum Condition: UInt8, CaseIterable, Sendable {
        /// Its commits are captured.
        case captured = 1
        /// It has a rollback journal, and no state of it was found so far, or can be.
        case rollbackJournal = 2
        /// A format that is not known.
        case unsupported = 3
        /// Its files cannot be read.
        case unreadable = 4
        /// The file is gone.
        case ended = 5

        /// As answers name it.
        package var name: String {
            switch self {
            case .captured: "captured"
            case .rollbackJournal: "rollback_journal"
            case .unsupported: "unsupported"
            case .unreadable: "unreadable"
            case .ended: "ended"
            }
        }
    }

    /// Made when the database is first seen; seeds its page hashes and names its files.
    package var uuid: UUIDBytes
    /// `st_dev`, `st_ino`, and the birth time where the filesystem has one: an inode number is used again.
    package var device: UInt64
    package var inode: UInt64
    package var birth: Instant?
    /// Every path it was known by, the newest last, each once.
    package var paths: [RawPath]
    /// 512 … 65,536, a power of two; 0 until it is known.
    package var pageSize: UInt32
    package var firstSeen: Instant
    package var condition: Condition
    /// For people: why it is in this condition; may be empty.
    package var detail: String

    package init(
        uuid: UUIDBytes, device: UInt64, inode: UInt64, birth: Instant?, paths: [RawPath], pageSize: UInt32,
        firstSeen: Instant, condition: Condition = .captured, detail: String = ""
    ) {
        self.uuid = uuid
        self.device = device
        self.inode = inode
        self.birth = birth
        self.paths = paths
        self.pageSize = pageSize
        self.firstSeen = firstSeen
        self.condition = condition
        self.detail = detail
    }
}
