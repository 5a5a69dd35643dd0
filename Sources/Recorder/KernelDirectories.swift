import Fanotify
import Model
import Syscalls

/// Asks the kernel where directories are, by their handles.
///
/// The descriptor of a filesystem's mount is opened for the work in hand and closed by `release`, so that a watched
/// filesystem can be unmounted at any time.
struct KernelDirectories: DirectorySource {
    /// Where each marked filesystem is seen; the mount with the shortest path that shows most of it.
    let mountPoints: [FilesystemID: RawPath]
    private var open = OpenMount.none
    private var openFilesystem = FilesystemID(rawValue: 0)
    private var path: [UInt8] = []

    init(mountPoints: [FilesystemID: RawPath]) {
        self.mountPoints = mountPoints
    }

    mutating func release() {
        open = .none
    }

    mutating func locate(_ handle: FileHandle, isKnown: (FileHandle) -> Bool) -> DirectoryLocation {
        do throws(SyscallError) {
            guard try openMount(of: handle.filesystem), case .descriptor(let box) = open else { return .stale }
            guard let directory = try HandleResolver.open(handle, mount: box.descriptor) else { return .stale }
            return try climb(from: directory, handle: handle, isKnown: isKnown)
        } catch {
            return .refused(errno: error.errno)
        }
    }

    /// False where the filesystem is not mounted there any more.
    private mutating func openMount(of filesystem: FilesystemID) throws(SyscallError) -> Bool {
        if case .descriptor = open, openFilesystem == filesystem { return true }
        open = .none
        guard let mountPoint = mountPoints[filesystem] else { return false }
        let descriptor = try openDirectory(mountPoint)
        guard try descriptor.filesystemStatus().id == filesystem else { return false }
        open = .descriptor(MountBox(descriptor))
        openFilesystem = filesystem
        return true
    }

    private mutating func climb(
        from directory: consuming OwnedDescriptor, handle: FileHandle, isKnown: (FileHandle) -> Bool
    ) throws(SyscallError) -> DirectoryLocation {
        guard try HandleResolver.readPath(of: directory, into: &path) != .tooLong else { return .stale }
        var names = path.split(separator: UInt8(ascii: "/"))
        var links: [DirectoryLocation.Link] = []
        var current = directory
        var currentHandle = handle
        while links.count < DirectoryTree.maximumDepth {
            switch try HandleResolver.parent(of: current, filesystem: handle.filesystem) {
            case .gone:
                return .stale
            case .root:
                // The top of the mount is none of the known roots: what is seen through it was not asked for.
                return .outside
            case .parent(let parent, let parentHandle):
                guard let name = names.popLast() else { return .outside }
                links.append(DirectoryLocation.Link(handle: currentHandle, name: Array(name)))
                if isKnown(parentHandle) { return .found(links: links, top: parentHandle) }
                current = parent
                currentHandle = parentHandle
            }
        }
        return .outside
    }
}

/// The mount that is open, if any.
private enum OpenMount {
    case none
    case descriptor(MountBox)
}

/// Shares one descriptor between copies of the value that holds it; the last one closes it.
private final class MountBox {
    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }
}
