import CLinux
import Fanotify
import Glibc
import Model
import Syscalls

/// Asks the kernel where directories are, by their handles.
///
/// The descriptor of a filesystem's mount is opened for the work in hand and closed by `release`, so that a watched
/// filesystem can be unmounted at any time.
struct KernelDirectories: DirectorySource {
    /// Where each marked filesystem is seen; the mount with the shortest path that shows most of it.
    private var mountPoints: [FilesystemID: RawPath]
    private var open = OpenMount.none
    private var openFilesystem = FilesystemID(rawValue: 0)
    private var path: [UInt8] = []

    init(mountPoints: [FilesystemID: RawPath]) {
        self.mountPoints = mountPoints
    }

    mutating func see(_ filesystem: FilesystemID, at mountPoint: RawPath) {
        mountPoints[filesystem] = mountPoint
        if openFilesystem == filesystem { open = .none }
    }

    mutating func release() {
        open = .none
    }

    mutating func locate(_ handle: FileHandle, isKnown: (FileHandle) -> Bool) -> DirectoryLocation {
        do throws(SyscallError) {
            guard try openMount(of: handle.filesystem), case .descriptor(let box) = open else { return .stale }
            for _ in 0..<Self.climbCount {
                guard let directory = try HandleResolver.open(handle, mount: box.descriptor) else { return .stale }
                let names = try readNames(of: directory)
                let location = try climb(from: directory, names: names, handle: handle, isKnown: isKnown)
                // Names and parents are asked for one after the other: a rename between the two would mix two places.
                guard let again = try HandleResolver.open(handle, mount: box.descriptor) else { return .stale }
                if try readNames(of: again) == names { return location }
            }
            return .refused(errno: EAGAIN)
        } catch {
            return .refused(errno: error.errno)
        }
    }

    mutating func isWhiteout(_ handle: FileHandle) -> Bool? {
        guard (try? openMount(of: handle.filesystem)) == true, case .descriptor(let box) = open,
            let status = try? HandleResolver.status(of: handle, mount: box.descriptor)
        else { return nil }
        return status.kind == .characterDevice && status.specialDevice == 0
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

    /// How often a directory that is renamed all the time is looked for.
    private static let climbCount = 4

    private mutating func climb(
        from directory: consuming OwnedDescriptor, names: [[UInt8]]?, handle: FileHandle, isKnown: (FileHandle) -> Bool
    ) throws(SyscallError) -> DirectoryLocation {
        var names = names
        // Seen through a mount of a part of the filesystem, what lies outside of it has the path "/", and no parent.
        if names?.isEmpty == true { return .outside }
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
                let name = names == nil ? try findName(of: current, in: parent) : names?.popLast()
                guard let name else { return .outside }
                links.append(DirectoryLocation.Link(handle: currentHandle, name: name))
                if isKnown(parentHandle) { return .found(links: links, top: parentHandle) }
                current = parent
                currentHandle = parentHandle
            case .covered(let cover, let coverHandle):
                // Only what holds this very directory under its name is its parent, seen through another mount.
                guard let name = names?.popLast(), case .descriptor(let box) = open,
                    let entry = try? cover.open(RawPath(name), flags: O_PATH | O_NOFOLLOW),
                    let entryHandle = try? HandleResolver.handle(of: entry, filesystem: handle.filesystem),
                    entryHandle == currentHandle
                else { return .stale }
                links.append(DirectoryLocation.Link(handle: currentHandle, name: name))
                if isKnown(coverHandle) { return .found(links: links, top: coverHandle) }
                guard let parent = try HandleResolver.open(coverHandle, mount: box.descriptor) else { return .stale }
                current = parent
                currentHandle = coverHandle
            }
        }
        return .outside
    }

    /// The components of a directory's path; nil where it is longer than the kernel tells (PATH_MAX).
    private mutating func readNames(of directory: borrowing OwnedDescriptor) throws(SyscallError) -> [[UInt8]]? {
        do throws(SyscallError) {
            guard try HandleResolver.readPath(of: directory, into: &path) != .tooLong else { return nil }
        } catch  where error.errno == ENAMETOOLONG {
            return nil
        }
        return path.split(separator: UInt8(ascii: "/")).map(Array.init)
    }

    /// The name of a directory by looking through its parent: slow, and only for what lies deeper than PATH_MAX.
    private func findName(
        of directory: borrowing OwnedDescriptor, in parent: borrowing OwnedDescriptor
    ) throws(SyscallError) -> [UInt8]? {
        let inode = try directory.status().inode
        for name in try Files.names(in: RawPath("/proc/self/fd/\(parent.fileDescriptor)")) {
            let entry = try? parent.open(name, flags: O_PATH | O_NOFOLLOW)
            let status = try? entry?.status()
            if status?.inode == inode, status?.kind == .directory { return name.bytes }
        }
        return nil
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
