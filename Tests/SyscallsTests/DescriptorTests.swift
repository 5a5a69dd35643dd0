import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// Owning descriptors, and files through them.
@Suite struct DescriptorTests {
    @Test func aDescriptorIsClosedWithItsOwner() throws {
        var number: Int32 = -1
        do {
            let owner = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_RDONLY)
            number = owner.fileDescriptor
            #expect(fcntl(number, F_GETFD) == FD_CLOEXEC)
        }
        // Another test may have been given the number in between; then it is not /dev/null.
        let target = try? Files.readLink(RawPath("/proc/self/fd/\(number)"))
        #expect(target != RawPath("/dev/null"))
    }

    @Test func aReleasedDescriptorStaysOpen() throws {
        let number = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_RDONLY).release()
        #expect(fcntl(number, F_GETFD) == FD_CLOEXEC)
        try OwnedDescriptor(takingOver: number).close()
    }

    @Test func aNegativeNumberIsNoDescriptor() async {
        await #expect(processExitsWith: .failure) {
            _ = OwnedDescriptor(takingOver: -1)
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        let place = try TemporaryDirectory()
        let file = try OwnedDescriptor.open(RawPath(place.appending("f")), flags: O_RDWR | O_CREAT, mode: 0o600)
        try file.write([1, 2, 3, 4, 5])
        try file.write([9], at: 2)
        var bytes: [UInt8] = [0]
        #expect(try file.read(upTo: 10, at: 1, appendingTo: &bytes) == 4)
        #expect(bytes == [0, 2, 9, 4, 5])
        try file.truncate(to: 2)
        try file.syncData()
        let status = try file.status()
        #expect(status.byteCount == 2 && status.permissions == 0o600 && status.kind == .regular)
        #expect(try Files.contents(of: RawPath(place.appending("f"))) == [1, 2])
    }

    @Test func aLimitOnContentsIsKept() throws {
        let place = try TemporaryDirectory()
        try Files.write([UInt8](repeating: 7, count: 100), to: RawPath(place.appending("f")))
        #expect(try Files.contents(of: RawPath(place.appending("f")), limit: 100).count == 100)
        let error = #expect(throws: SyscallError.self) {
            try Files.contents(of: RawPath(place.appending("f")), limit: 99)
        }
        #expect(error?.errno == EFBIG)
    }

    @Test func aLockIsHeldByOneOpenFileOnly() throws {
        let place = try TemporaryDirectory()
        let path = RawPath(place.appending("lock"))
        let first = try OwnedDescriptor.open(path, flags: O_RDWR | O_CREAT)
        let second = try OwnedDescriptor.open(path, flags: O_RDWR)
        #expect(try first.tryLockExclusively())
        #expect(try second.tryLockExclusively() == false)
        try first.close()
        // A process that another test starts at this moment has a copy of the first until its exec.
        try waitUntil("the lock is free") { try second.tryLockExclusively() }
    }

    @Test func directoriesAreMadeListedAndRemoved() throws {
        let place = try TemporaryDirectory()
        let base = RawPath(place.path)
        // Names are bytes: not UTF-8, a newline, 255 bytes.
        let names = [RawPath([0xFF, 0xFE]), RawPath("new\nline"), RawPath([UInt8](repeating: 0x61, count: 255))]
        for name in names { try Files.makeDirectories(base.appending(name.bytes).appending("inner".utf8)) }
        try Files.makeSymbolicLink(base.appending("link".utf8), to: RawPath("/etc"))
        #expect(Set(try Files.names(in: base)) == Set(names + [RawPath("link")]))
        try Files.makeDirectories(base.appending(names[0].bytes))
        try Files.removeTree(base)
        #expect(throws: SyscallError.self) { try base.status() }
        #expect(try RawPath("/etc").status().kind == .directory)
        try Files.removeTree(base)
        try Files.makeDirectory(base)
    }

    @Test func aRealPathHasNoLinksAndDots() throws {
        let place = try TemporaryDirectory()
        let base = try Files.realPath(RawPath(place.path))
        try Files.makeDirectory(base.appending("d".utf8))
        try Files.makeSymbolicLink(base.appending("link".utf8), to: RawPath("d"))
        #expect(try Files.realPath(base.appending("d/../link/.".utf8)) == base.appending("d".utf8))
        let error = #expect(throws: SyscallError.self) { try Files.realPath(base.appending("absent".utf8)) }
        #expect(error?.errno == ENOENT)
        #expect(error?.description.hasSuffix("absent: No such file or directory") == true)
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("/a/b/", "/a"), ("a/b", "a"), ("//a", "/")])
    func theParentIsAllButTheLastName(path: String, parent: String) {
        #expect(RawPath(path).parent == RawPath(parent))
    }

    @Test(arguments: ["/", "a", ""])
    func someThingsHaveNoParent(path: String) {
        #expect(RawPath(path).parent == nil)
    }

    @Test func anErrorNeverPassesControlBytesOn() {
        let error = SyscallError(call: "open", errno: ENOENT, subject: RawPath("/a\u{1B}[31m\nb"))
        #expect(error.description == "open /a\\x1b[31m\\x0ab: No such file or directory")
        #expect(SyscallError(call: "fanotify_init", errno: EPERM).description.contains("CAP_SYS_ADMIN"))
    }

    @Test func filesystemsHaveAnIdAndASize() throws {
        let status = try RawPath("/").filesystemStatus()
        #expect(status.totalByteCount > 0 && status.availableByteCount <= status.totalByteCount)
        let root = try OwnedDescriptor.open(RawPath("/"), flags: O_RDONLY)
        #expect(try root.filesystemStatus().id == status.id)
    }
}
