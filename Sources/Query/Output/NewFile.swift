private import Glibc
package import Model
package import Syscalls

/// A file that is being written under a name beside its own, which it gets when it is whole. Nothing is overwritten.
///
/// When its life ends before that, it is removed. Thread: one.
package struct NewFile: ~Copyable {
    /// Where it is until it is placed.
    let path: RawPath
    /// Open for reading and writing.
    package let descriptor: OwnedDescriptor
    private let target: RawPath

    /// Throws: `UsageError` where the target is there already, `SyscallError`.
    package init(target: RawPath) throws {
        guard (try? target.status(followingLinks: false)) == nil else { throw Self.exists(target) }
        let temporary = DraftName.claim(target)
        let file = try OwnedDescriptor.open(
            temporary, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        path = temporary
        self.target = target
        descriptor = file
    }

    deinit {
        // After `place` there is nothing of that name.
        try? Files.unlink(path)
    }

    /// Waits until it is on the device and gives it its name, unless something has that name by now.
    ///
    /// Throws: `UsageError`, `SyscallError`.
    package consuming func place() throws {
        try descriptor.sync()
        do throws(SyscallError) {
            // link(2), unlike rename(2), replaces nothing.
            try Files.link(path, to: target)
        } catch {
            guard error.errno != EEXIST else { throw Self.exists(target) }
            // A filesystem without hard links.
            guard (try? target.status(followingLinks: false)) == nil else { throw error }
            try Files.rename(path, to: target)
        }
        try Self.syncDirectory(of: target)
    }

    /// Writes a small file and gives it its name in place of what had it: whoever looks finds the old contents or the new.
    ///
    /// Throws: `SyscallError`.
    static func replace(_ target: RawPath, with bytes: [UInt8]) throws {
        let path = DraftName.claim(target)
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do {
            try file.write(bytes)
            try file.sync()
            try Files.rename(path, to: target)
        } catch {
            try? Files.unlink(path)
            throw error
        }
        try syncDirectory(of: target)
    }

    private static func syncDirectory(of path: RawPath) throws(SyscallError) {
        guard let parent = path.parent else { return }
        try OwnedDescriptor.open(parent, flags: O_RDONLY | O_DIRECTORY).sync()
    }

    private static func exists(_ target: RawPath) -> UsageError {
        UsageError("\(TerminalText.escaped(target.bytes)) exists; nothing is overwritten")
    }
}
