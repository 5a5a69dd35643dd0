internal import Glibc
package import Model
internal import Syscalls

/// The right to write to a store: a write lock on its `alive` file, for as long as the value lives.
package struct StoreLock: ~Copyable, Sendable {
    private let file: OwnedDescriptor
    private let path: RawPath
    /// What the file said before this process took the lock.
    package let found: AliveFile.Content

    /// Takes the lock and writes this process's pid beside it.
    ///
    /// Cost: waits up to 0.2 s, so that the end of a short command does not look like a second writer and a holder
    /// that has just begun has written its pid.
    /// Throws: `heldByAnother` with the holder's pid; `cannotWrite` where the file cannot be opened or made.
    package init(directory: RawPath) throws(StoreError) {
        let path = StoreLayout(directory: directory).alive
        let opened = try Self.open(path)
        let isHeld: Bool
        let content: AliveFile.Content
        do {
            (isHeld, content) = try Self.lock(opened)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the store's lock file cannot be used", path: path)
        }
        guard isHeld else {
            let holder = content.holderPID.map { "process \($0)" } ?? "another process"
            throw StoreError(
                .heldByAnother(pid: content.holderPID),
                "the store is in use by \(holder); stop it, or record into another store with --store",
                path: directory)
        }
        self.path = path
        file = opened
        found = content
    }

    /// Writes a sign of life; it reaches the page cache at once and the disk when the kernel likes.
    package borrowing func write(_ heartbeat: Heartbeat) throws(StoreError) {
        do {
            try file.write(AliveFile.encode(heartbeat), at: Int64(AliveFile.heartbeatOffset))
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the heartbeat cannot be written", path: path)
        }
    }

    private static func open(_ path: RawPath) throws(StoreError) -> OwnedDescriptor {
        do {
            return try OwnedDescriptor.open(
                path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: StoreLayout.filePermissions)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the store's lock file cannot be opened", path: path)
        }
    }

    private static func lock(
        _ file: borrowing OwnedDescriptor
    ) throws(SyscallError) -> (isHeld: Bool, content: AliveFile.Content) {
        var isHeld = try file.tryLockExclusively()
        for _ in 0..<20 where !isHeld {
            Clock.sleep(nanoseconds: 10_000_000)
            isHeld = try file.tryLockExclusively()
        }
        var bytes = [UInt8]()
        try file.read(upTo: AliveFile.byteCount, at: 0, appendingTo: &bytes)
        if isHeld {
            if bytes.count != AliveFile.byteCount { try file.truncate(to: Int64(AliveFile.byteCount)) }
            try file.write(AliveFile.encodeHolder(pid: getpid()), at: 0)
        }
        return (isHeld, AliveFile.decode(bytes))
    }
}
