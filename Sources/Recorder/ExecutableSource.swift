import CLinux
import Fanotify
import Glibc
import Model
import Syscalls

/// Looks into an executed file for the program that the kernel opens next to run it.
///
/// The file is opened by its handle, so it is the very file of the event, whatever its name is by now. Only the first
/// page is read, into memory, and nothing of it is stored.
struct ExecutableSource {
    /// What a file is to the kernel that is asked to execute it.
    enum Kind {
        /// With its interpreter, if any.
        case program(interpreter: Interpreter?)
        /// It cannot be read any more; it was executable when it was executed.
        case unread
        /// Neither an ELF file nor a script with `#!`.
        case noProgram
    }

    struct Interpreter {
        /// What its path names for the recorder; nil where that is nothing.
        var identity: FileIdentity?
        /// The last component of its path.
        var name: [UInt8]
        var isForScript: Bool
    }

    private let interpreters = KnownInterpreters()

    /// The mount point of each filesystem, to open handles by.
    var mountPoints: [FilesystemID: RawPath]

    /// Contents are read only where the recorder's user could read them; set where it was lent more by file capabilities.
    var readsAsUser = RecorderPrivileges.isLent

    /// Parameter path: where the file is, as far as is known.
    func kind(of handle: FileHandle, at path: RawPath?) -> Kind {
        let page =
            readsAsUser
            ? path.flatMap { path in RecorderPrivileges.asUser { firstPage(of: handle, at: path) } }
            : mountPoints[handle.filesystem].flatMap { firstPage(of: handle, on: $0) }
                // On an overlay, handles only name.
                ?? path.flatMap { handle.isWhole ? nil : firstPage(of: handle, at: $0) }
        guard let page else { return .unread }
        switch ExecutableHeader(page) {
        case .elf(let path): return .program(interpreter: interpreter(path, isForScript: false))
        case .script(let path): return .program(interpreter: interpreter(path, isForScript: true))
        case .program: return .program(interpreter: nil)
        case .other: return .noProgram
        }
    }

    private func interpreter(_ path: [UInt8], isForScript: Bool) -> Interpreter {
        Interpreter(
            identity: identity(of: RawPath(path)), name: Array(path.split(separator: UInt8(ascii: "/")).last ?? []),
            isForScript: isForScript)
    }

    /// By its path, so that also the directories above it are those that the user may enter.
    private func firstPage(of handle: FileHandle, at path: RawPath) -> [UInt8]? {
        do throws(SyscallError) {
            let file = try OwnedDescriptor.open(path, flags: O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            guard try HandleResolver.handle(of: file, filesystem: handle.filesystem) == handle else { return nil }
            var bytes: [UInt8] = []
            _ = try file.read(upTo: ExecutableHeader.byteCount, at: 0, appendingTo: &bytes)
            return bytes
        } catch {
            return nil
        }
    }

    private func firstPage(of handle: FileHandle, on mountPoint: RawPath) -> [UInt8]? {
        do throws(SyscallError) {
            let mount = try openDirectory(mountPoint)
            guard let file = try HandleResolver.openFile(handle, mount: mount) else { return nil }
            var bytes: [UInt8] = []
            _ = try file.read(upTo: ExecutableHeader.byteCount, at: 0, appendingTo: &bytes)
            return bytes
        } catch {
            // The file may be gone or unreadable; its interpreter then simply stays unknown.
            return nil
        }
    }

    /// Which file a path names, as events would carry it.
    ///
    /// Cost: one stat(2) where it still names the file it named last, else five system calls.
    private func identity(of path: RawPath) -> FileIdentity? {
        do throws(SyscallError) {
            if let known = interpreters.identity(of: path, at: try path.status()) { return known }
            let file = try openPath(path)
            let filesystem = try file.filesystemStatus().id
            guard let identity = try HandleResolver.handle(of: file, filesystem: filesystem)?.identity else {
                return nil
            }
            interpreters.remember(path, at: try file.status(), identity)
            return identity
        } catch {
            return nil
        }
    }
}
