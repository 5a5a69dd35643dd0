import CLinux
import Fanotify
import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// Handles of the real kernel, turned into directories, paths and parents.
@Suite(Privilege.required, .serialized) struct HandleResolverTests {
    @Test(arguments: FilesystemKind.allCases)
    func aHandleLeadsToItsPathWhereverItIsNow(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind, mask: [.create, .onDirectory])
        try Files.makeDirectory(watched.path("a"))
        try Files.makeDirectory(watched.path("a/b"))
        let handle = try #require(try watched.drain().first { $0.nameText == "b" }?.objectHandle)
        #expect(try path(of: handle, watched) == watched.path("a/b"))
        try Files.rename(watched.path("a"), to: watched.path("c"))
        #expect(try path(of: handle, watched) == watched.path("c/b"))
        try Files.removeDirectory(watched.path("c/b"))
        // It is there for as long as somebody has it open: a process that another test is starting has every descriptor for a
        // moment.
        try waitUntil("the directory has gone") {
            if let _ = try HandleResolver.open(handle, mount: watched.root) { false } else { true }
        }
    }

    @Test(arguments: FilesystemKind.allCases)
    func aHandleInTheReadBufferOpensTheSameDirectory(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind, mask: [.create, .onDirectory])
        try Files.makeDirectory(watched.path("a"))
        var buffer = try ReadBuffer(capacity: 65_536)
        _ = try watched.group.read(into: &buffer)
        var cursor = EventCursor(buffer.bytes)
        let record = try #require(try cursor.next())
        let view = try #require(record.object)
        guard let directory = try HandleResolver.open(view, in: buffer.bytes, mount: watched.root) else {
            Issue.record("the directory is not found by its handle")
            return
        }
        #expect(try directory.status().inode == watched.path("a").status().inode)
    }

    @Test(arguments: FilesystemKind.allCases)
    func theHandleOfADescriptorIsTheOneInTheEvents(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind, mask: [.create, .onDirectory])
        try Files.makeDirectory(watched.path("a"))
        try Files.write([], to: watched.path("a/file"))
        for record in try watched.drain() {
            let name = record.nameText == "a" ? "a" : "a/file"
            let file = try OwnedDescriptor.open(watched.path(name), flags: O_PATH)
            #expect(try HandleResolver.handle(of: file, filesystem: watched.id) == record.objectHandle)
        }
        let top = try OwnedDescriptor.open(RawPath(watched.filesystem.path), flags: O_PATH)
        #expect(try HandleResolver.handle(of: top, filesystem: watched.id)?.identity?.inode == top.status().inode)
    }

    @Test(arguments: FilesystemKind.allCases)
    func climbingMeetsEveryAncestorUpToTheRoot(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind)
        let names = (1...40).map { "level\($0)" }
        try Files.makeDirectories(watched.path(names.joined(separator: "/")))
        var current = try OwnedDescriptor.open(watched.path(names.joined(separator: "/")), flags: O_PATH)
        var inodes: [UInt64] = []
        climbing: while true {
            switch try HandleResolver.parent(of: current, filesystem: watched.id) {
            case .parent(let parent, let handle):
                #expect(handle.identity?.inode == (try parent.status().inode))
                inodes.append(try parent.status().inode)
                current = parent
            case .covered:
                Issue.record("nothing is mounted over it")
                break climbing
            case .root: break climbing
            case .gone:
                Issue.record("an ancestor is gone")
                break climbing
            }
        }
        let expected = try (0..<names.count).reversed().map { depth in
            try watched.path(names.prefix(depth).joined(separator: "/")).status().inode
        }
        #expect(inodes == expected)
    }

    @Test func climbingEndsAtABindMountsTop() throws {
        let watched = try WatchedFilesystem(.ext4)
        try Files.makeDirectories(watched.path("volume/inner"))
        try Files.makeDirectories(watched.path("outside"))
        let place = try LoopFilesystem(.tmpfs)
        try Files.makeDirectory(RawPath(place.appending("bind")))
        try runSuccessfully("mount", ["--bind", watched.filesystem.appending("volume"), place.appending("bind")])
        let bind = try OwnedDescriptor.open(RawPath(place.appending("bind")), flags: O_RDONLY | O_DIRECTORY)

        let inner = try handle(of: watched.path("volume/inner"), watched)
        guard let directory = try HandleResolver.open(inner, mount: bind) else {
            Issue.record("the directory is not found by its handle")
            return
        }
        var bytes: [UInt8] = []
        #expect(try HandleResolver.readPath(of: directory, into: &bytes) == .path)
        #expect(RawPath(bytes) == RawPath(place.appending("bind/inner")))
        switch try HandleResolver.parent(of: directory, filesystem: watched.id) {
        case .parent(let top, let handle):
            #expect(try handle == self.handle(of: watched.path("volume"), watched))
            switch try HandleResolver.parent(of: top, filesystem: watched.id) {
            case .root: break
            default: Issue.record("the climb left the mount")
            }
        default: Issue.record("the climb ended too early")
        }
        // Outside the bound tree the path is only "/": the free test for what was not asked for.
        let outside = try handle(of: watched.path("outside"), watched)
        guard let far = try HandleResolver.open(outside, mount: bind) else {
            Issue.record("the directory is not found by its handle")
            return
        }
        #expect(try HandleResolver.readPath(of: far, into: &bytes) == .path)
        #expect(bytes == Array("/".utf8))
    }

    @Test func aParentThatIsMountedOnItselfIsToldFromTheRootOfAMount() throws {
        let watched = try WatchedFilesystem(.ext4)
        try Files.makeDirectories(watched.path("data/inner"))
        let data = watched.path("data").lossyText
        try runSuccessfully("mount", ["--bind", data, data])
        defer { _ = try? run("umount", [data]) }
        let inner = try handle(of: watched.path("data/inner"), watched)
        guard let directory = try HandleResolver.open(inner, mount: watched.root) else {
            Issue.record("the directory is not found by its handle")
            return
        }
        switch try HandleResolver.parent(of: directory, filesystem: watched.id) {
        case .covered(let cover, let coverHandle):
            #expect(try handle(of: watched.path("data"), watched) == coverHandle)
            switch try HandleResolver.parent(of: cover, filesystem: watched.id) {
            case .root: break
            default: Issue.record("the root of the bind mount is not told")
            }
        default: Issue.record("the mount over the parent is not told")
        }
    }

    @Test func aRemovedDirectoryThatIsHeldIsToldFromOneThatIsOnlyNamedSo() throws {
        let watched = try WatchedFilesystem(.tmpfs)
        try Files.makeDirectory(watched.path("held"))
        try Files.makeDirectory(watched.path("live (deleted)"))
        let held = try OwnedDescriptor.open(watched.path("held"), flags: O_PATH)
        let live = try OwnedDescriptor.open(watched.path("live (deleted)"), flags: O_PATH)
        try Files.removeDirectory(watched.path("held"))
        var bytes: [UInt8] = []
        #expect(try HandleResolver.readPath(of: held, into: &bytes) == .deleted)
        #expect(RawPath(bytes) == watched.path("held"))
        #expect(try HandleResolver.readPath(of: live, into: &bytes) == .path)
        #expect(RawPath(bytes) == watched.path("live (deleted)"))
    }

    @Test func aHandleOfAFileOrOfNothingIsGone() throws {
        let watched = try WatchedFilesystem(.ext4, mask: [.create])
        try Files.write([], to: watched.path("file"))
        let handle = try #require(try watched.drain().first?.objectHandle)
        #expect(try path(of: handle, watched) == nil)
        try Files.unlink(watched.path("file"))
        #expect(try path(of: handle, watched) == nil)
    }

    @Test func resolvingLeavesNoDescriptorBehind() throws {
        let watched = try WatchedFilesystem(.ext4, mask: [.create, .onDirectory])
        try Files.makeDirectories(watched.path("a/b/c"))
        let handles = try watched.drain().compactMap(\.objectHandle)
        // Other tests of this process open files too; a leak here would be hundreds.
        let before = try descriptorCount()
        let probe = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_RDONLY)
        for _ in 0..<500 {
            for handle in handles { _ = try path(of: handle, watched) }
        }
        #expect(try descriptorCount() < before + 200)
        _ = probe.fileDescriptor
    }

    private func descriptorCount() throws -> Int {
        try Files.names(in: RawPath("/proc/self/fd")).count
    }

    private func handle(of path: RawPath, _ watched: borrowing WatchedFilesystem) throws -> FileHandle {
        let file = try OwnedDescriptor.open(path, flags: O_PATH)
        return try #require(try HandleResolver.handle(of: file, filesystem: watched.id))
    }

    /// The path a handle leads to, having climbed to its parent as well; nil where it is gone.
    private func path(of handle: FileHandle, _ watched: borrowing WatchedFilesystem) throws -> RawPath? {
        guard let directory = try HandleResolver.open(handle, mount: watched.root) else { return nil }
        var bytes: [UInt8] = []
        #expect(try HandleResolver.readPath(of: directory, into: &bytes) == .path)
        switch try HandleResolver.parent(of: directory, filesystem: watched.id) {
        case .gone: Issue.record("a live directory has no parent")
        default: break
        }
        return RawPath(bytes)
    }
}
