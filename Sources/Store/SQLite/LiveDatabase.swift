internal import Glibc
internal import Model
internal import Syscalls

/// The database file of a connection that is open, for reading its pages from another thread.
///
/// POSIX locks of a file end with the first descriptor of it that this process closes (fcntl(2)), and by its lock on the
/// database a connection keeps others from removing the `-wal`. So the connection holds this value until it is closed, and
/// whoever has got it lets go of it before the store is opened again.
package final class LiveDatabase: Sendable {
    private let file: OwnedDescriptor

    init(_ path: RawPath) throws(SyscallError) {
        file = try OwnedDescriptor.open(path, flags: O_RDONLY | O_NOFOLLOW)
    }

    /// Reads up to `count` bytes at `offset` behind what `bytes` holds; fewer at the end of the file. Throws: `cannotRead`.
    package func read(upTo count: Int, at offset: Int64, appendingTo bytes: inout [UInt8]) throws(StoreError) {
        do {
            try file.read(upTo: count, at: offset, appendingTo: &bytes)
        } catch {
            throw StoreError(.cannotRead, "the database cannot be read: \(error.description)")
        }
    }
}
