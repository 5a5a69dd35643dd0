import Fanotify
import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// Records of the real kernel on filesystems of the tests' own.
@Suite(Privilege.required, .serialized) struct KernelEventTests {
    @Test(arguments: FilesystemKind.allCases)
    func everyOperationIsSeenWithItsNamesAndItsProcess(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind)
        try Files.makeDirectory(watched.path("directory"))
        try Files.write(Array("text".utf8), to: watched.path("directory/file"))
        try Files.setPermissions(watched.path("directory/file"), mode: 0o600)
        try Files.rename(watched.path("directory/file"), to: watched.path("moved"))
        try Files.rename(watched.path("directory"), to: watched.path("other"))
        try Files.unlink(watched.path("moved"))
        try Files.removeDirectory(watched.path("other"))
        var records = try watched.drain()
        // A child that another test starts meanwhile holds the file open until its exec: the close is then the child's, late,
        // and of the name that the file has by then.
        func isClosing(_ record: Decoded) -> Bool { record.record.mask.contains(.closeWrite) }
        for _ in 0..<100 where !records.contains(where: isClosing) {
            Clock.sleep(nanoseconds: 50_000_000)
            records += try watched.drain()
        }
        #expect(records.contains { isClosing($0) && ["file", "moved"].contains($0.nameText) })
        // Other tests look at every mount, and open the top of this one.
        let named = records.filter { !$0.nameText.isEmpty && $0.nameText != "." && $0.record.mask != .closeWrite }
        #expect(named.allSatisfy { $0.record.pid == getpid() })
        var masks: [String: EventMask] = [:]
        for record in records {
            masks["\(record.nameText)>\(record.targetNameText)", default: []].formUnion(record.record.mask)
        }
        #expect(masks["directory>"]?.isSuperset(of: [.create, .onDirectory]) == true)
        #expect(masks["file>"]?.isSuperset(of: [.create, .open, .modify, .attrib]) == true)
        #expect(masks["file>moved"] == .rename)
        #expect(masks["directory>other"] == [.rename, .onDirectory])
        #expect(masks["moved>"]?.contains(.delete) == true)
        #expect(masks["other>"]?.isSuperset(of: [.delete, .onDirectory]) == true)
    }

    @Test(arguments: FilesystemKind.allCases)
    func aChildsEventsCarryTheChildsPid(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind, mask: [.create, .modify])
        let child = try ChildProcess(
            ["/bin/sh", "-c", "echo text > \"$0\"", watched.filesystem.appending("made")].map { RawPath($0) })
        #expect(try child.wait() == .exited(0))
        let records = try watched.drain()
        #expect(Set(records.map(\.nameText)) == ["made"])
        #expect(Set(records.map(\.record.pid)) == [child.pid])
    }

    @Test(arguments: FilesystemKind.allCases)
    func theIdentityOfAHandleIsTheInodeOfStat(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind, mask: [.create, .onDirectory])
        try Files.makeDirectory(watched.path("directory"))
        try Files.write([], to: watched.path("directory/file"))
        let records = try watched.drain()
        let file = try #require(records.first { $0.nameText == "file" })
        let directory = try #require(records.first { $0.nameText == "directory" })
        let status = try watched.path("directory/file").status()
        let identity = try #require(file.objectHandle?.identity)
        #expect(identity.inode == status.inode)
        #expect(identity.filesystem == watched.id)
        #expect(identity.root == (kind == .btrfs ? 5 : 0))
        let parent = try watched.path("directory").status().inode
        #expect(file.directoryHandle?.identity?.inode == parent)
        #expect(directory.objectHandle?.identity?.inode == parent)
        #expect(directory.objectHandle == file.directoryHandle)
        let top = try RawPath(watched.filesystem.path).status().inode
        #expect(directory.directoryHandle?.identity?.inode == top)
    }

    @Test(arguments: FilesystemKind.allCases)
    func namesOf255BytesAreWhole(on kind: FilesystemKind) throws {
        let watched = try WatchedFilesystem(kind, mask: [.create, .rename])
        let first = RawPath([UInt8](repeating: UInt8(ascii: "a"), count: 255))
        let second = RawPath((0..<255).map { UInt8(0x80 + $0 % 0x7F) })
        let base = RawPath(watched.filesystem.path)
        try Files.write([], to: base.appending(first.bytes))
        try Files.rename(base.appending(first.bytes), to: base.appending(second.bytes))
        let records = try watched.drain()
        let rename = try #require(records.first { $0.record.mask.contains(.rename) })
        #expect(rename.name == first.bytes)
        #expect(rename.targetName == second.bytes)
    }

    @Test func aFullQueueSaysSo() throws {
        let watched = try WatchedFilesystem(.tmpfs, mask: [.create])
        let digits = try Files.contents(of: RawPath("/proc/sys/fs/fanotify/max_queued_events"))
        let limit = try #require(Int(String(decoding: digits, as: UTF8.self).filter(\.isNumber)))
        for number in 0..<limit + 10 { try Files.makeSymbolicLink(watched.path("\(number)"), to: RawPath("x")) }
        let records = try watched.drain()
        #expect(records.count == limit + 1)
        #expect(records.last?.record.mask == .queueOverflow)
        #expect(records.last?.record.object == nil)
    }

    @Test func anUnlimitedQueueKeepsEverything() throws {
        let watched = try WatchedFilesystem(.tmpfs, mask: [.create], options: .unlimitedQueue)
        for number in 0..<20_000 { try Files.makeSymbolicLink(watched.path("\(number)"), to: RawPath("x")) }
        #expect(try watched.drain().count == 20_000)
    }

    @Test func aBufferThatIsFullIsToldFromAnEmptyQueue() throws {
        let watched = try WatchedFilesystem(.tmpfs, mask: [.create])
        for number in 0..<200 { try Files.makeSymbolicLink(watched.path("\(number)"), to: RawPath("x")) }
        var buffer = try ReadBuffer(capacity: ReadBuffer.minimumCapacity)
        var outcomes: [NotificationGroup.ReadOutcome] = []
        var count = 0
        repeat {
            outcomes.append(try watched.group.read(into: &buffer))
            if outcomes.last == .bufferFull {
                count += Decoded.read(buffer.bytes).0.count
                buffer.removeAll()
            }
        } while outcomes.last != .wouldBlock
        count += Decoded.read(buffer.bytes).0.count
        #expect(count == 200)
        #expect(outcomes.contains(.bufferFull))
    }

    @Test func anIgnoreMarkHidesADirectorysOwnFiles() throws {
        let watched = try WatchedFilesystem(.ext4)
        try Files.makeDirectory(watched.path("store"))
        _ = try watched.drain()
        let mask = WatchedFilesystem.everything.union(.onChild)
        // Filesystem errors are of the whole filesystem: no inode can ignore them.
        let error = #expect(throws: SyscallError.self) {
            try watched.group.addIgnoreMark(.inode, mask: mask, at: watched.path("store"))
        }
        #expect(error?.errno == EINVAL)
        try watched.group.addIgnoreMark(
            .inode, mask: mask.subtracting(.filesystemError), at: watched.path("store"))
        try Files.write(Array("text".utf8), to: watched.path("store/inside"))
        try Files.write(Array("more".utf8), to: watched.path("store/inside"))
        try Files.write([], to: watched.path("outside"))
        let masks = try watched.drainedMasks()
        #expect(masks["inside"] == nil)
        #expect(masks["outside"]?.contains(.create) == true)
    }

    @Test(arguments: FilesystemKind.allCases)
    func aMarkedFilesystemCanBeUnmounted(on kind: FilesystemKind) throws {
        let filesystem = try LoopFilesystem(kind)
        let group = try NotificationGroup(.directoryNamesAndTargets)
        try group.addMark(.filesystem, mask: [.create], at: RawPath(filesystem.path))
        try Files.write([], to: RawPath(filesystem.appending("queued")))
        try filesystem.unmount()
        #expect(try filesystem.isAttached() == false)
        // What was queued outlives the filesystem.
        var buffer = try ReadBuffer(capacity: 65_536)
        _ = try group.read(into: &buffer)
        #expect(Decoded.read(buffer.bytes).0.map(\.nameText) == ["queued"])
    }

    @Test func aFilesystemThatCannotBeMarkedIsNamedWithTheReason() throws {
        let group = try NotificationGroup(.directoryNamesAndTargets)
        let error = #expect(throws: SyscallError.self) {
            try group.addMark(.filesystem, mask: [.create], at: RawPath("/proc"))
        }
        // Which of the two it lacks Linux 6.1 notices first, and later ones last.
        let reasons = [ENODEV: "has no filesystem id", EOPNOTSUPP: "cannot report file handles"]
        let reason = try #require(reasons[error?.errno ?? 0], "\(String(describing: error))")
        #expect(error?.subject == RawPath("/proc"))
        #expect(error?.description.contains(reason) == true)
    }

    @Test func aMarkThatWasRemovedReportsNothing() throws {
        let watched = try WatchedFilesystem(.tmpfs)
        _ = try watched.drain()
        try watched.group.removeMark(.filesystem, mask: WatchedFilesystem.everything, on: watched.root)
        try Files.write([], to: watched.path("unseen"))
        #expect(try watched.drain() == [])
        try watched.group.addMark(.filesystem, mask: [.create], on: watched.root)
        try Files.write([], to: watched.path("seen"))
        try watched.group.removeAllMarks(.filesystem)
        try Files.write([], to: watched.path("unseen too"))
        #expect(try watched.drain().map(\.nameText) == ["seen"])
    }
}
