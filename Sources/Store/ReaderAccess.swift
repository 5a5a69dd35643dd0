internal import Model
internal import Syscalls

/// How a reader opens a store, decided by which files are there.
///
/// - With `-wal` and `-shm`: as SQLite means it, but never writing the `-shm`. This serves beside a live writer, after
///   kill -9 (nobody holds the `-shm`, so SQLite builds the index of the `-wal` in memory), without write permission
///   and on a read-only mount, also one of a live store.
/// - A `-wal` with contents and no `-shm`: a copy. A writer always has a `-shm`, so there is none: no locks are needed,
///   and nothing may be created beside the evidence. https://www.sqlite.org/wal.html#noshm
/// - No `-wal`, or an empty one, and no `-shm`: everything is in the database file.
package enum ReaderAccess: Hashable, Sendable {
    case sharedMemory
    case privateIndex
    case databaseOnly

    /// `walByteCount` is nil where there is no `-wal`.
    package static func choose(hasSharedMemory: Bool, walByteCount: Int64?) -> ReaderAccess {
        guard let walByteCount else { return .databaseOnly }
        if hasSharedMemory { return .sharedMemory }
        return walByteCount > 0 ? .privateIndex : .databaseOnly
    }

    static func choose(_ layout: StoreLayout) -> ReaderAccess {
        choose(hasSharedMemory: layout.sharedMemory.exists, walByteCount: (try? layout.wal.status())?.byteCount)
    }

    var mode: Connection.Mode {
        switch self {
        case .sharedMemory: .readShared
        case .privateIndex: .readWithoutSharedMemory
        case .databaseOnly: .readImmutable
        }
    }
}
