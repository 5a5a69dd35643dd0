import CLinux
import Glibc
import Model
import TestSupport
import Testing

@testable import Syscalls

/// Sockets with a path: connections, who is at the other end, and the service manager's.
@Suite struct SocketTests {
    @Test func aConnectionKnowsItsPeer() throws {
        let place = try TemporaryDirectory()
        try exchange(at: RawPath(place.appending("s")))
    }

    @Test func aPathTooLongForASocketIsReachedThroughItsDirectory() throws {
        let place = try TemporaryDirectory()
        let directory = place.appending(String(repeating: "d", count: 200))
        try Files.makeDirectory(RawPath(directory))
        try exchange(at: RawPath(directory + "/s"))
    }

    @Test func aSocketThatWasLeftBehindIsReplaced() throws {
        let place = try TemporaryDirectory()
        let path = RawPath(place.appending("s"))
        do { _ = try UnixSocket.listen(at: path, mode: 0o600) }
        let refused = #expect(throws: SyscallError.self) { _ = try UnixSocket.connect(to: path) }
        #expect(refused?.errno == ECONNREFUSED)
        try exchange(at: path)
    }

    @Test func whereNobodyListensThereIsAnError() throws {
        let place = try TemporaryDirectory()
        let error = #expect(throws: SyscallError.self) {
            _ = try UnixSocket.connect(to: RawPath(place.appending("absent")))
        }
        #expect(error?.errno == ENOENT)
    }

    @Test func theServiceManagerIsTold() throws {
        let place = try TemporaryDirectory()
        let path = RawPath(place.appending("notify"))
        let manager = try UnixSocket.make(SOCK_DGRAM, nonBlocking: true)
        let number = manager.fileDescriptor
        let address = try SocketAddress(path)
        // SAFETY: the address is lent for the call, which only reads it.
        #expect(unsafe address.withPointer { unsafe bind(number, $0, $1) } == 0)
        #expect(ServiceNotification.send("READY=1\nSTATUS=here", to: path.lossyText))
        var bytes: [UInt8] = []
        #expect(try manager.read(upTo: 100, appendingTo: &bytes) == 19)
        #expect(bytes == Array("READY=1\nSTATUS=here".utf8))
        #expect(!ServiceNotification.send("READY=1", to: place.appending("absent")))
    }

    @Test func anAbstractSocketIsReachedByItsName() throws {
        let name = "varve-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let manager = try UnixSocket.make(SOCK_DGRAM, nonBlocking: true)
        let number = manager.fileDescriptor
        let address = SocketAddress(abstract: name.utf8)
        // SAFETY: the address is lent for the call, which only reads it.
        #expect(unsafe address.withPointer { unsafe bind(number, $0, $1) } == 0)
        #expect(ServiceNotification.send("WATCHDOG=1", to: "@" + name))
        var bytes: [UInt8] = []
        #expect(try manager.read(upTo: 100, appendingTo: &bytes) == 10)
    }

    private func exchange(at path: RawPath) throws {
        let listener = try UnixSocket.listen(at: path, mode: 0o660)
        #expect(try path.status().permissions == 0o660)
        let early = try UnixSocket.accept(on: listener)
        #expect(early == nil ? true : false)
        let client = try UnixSocket.connect(to: path)
        guard let server = try UnixSocket.accept(on: listener) else {
            Issue.record("the connection does not arrive")
            return
        }
        #expect(
            try UnixSocket.peerCredentials(of: server) == PeerCredentials(pid: getpid(), uid: getuid(), gid: getgid()))
        var bytes: [UInt8] = []
        #expect(try server.read(upTo: 10, appendingTo: &bytes) == nil)
        try client.write(Array("sync\n".utf8))
        #expect(try server.read(upTo: 10, appendingTo: &bytes) == 5)
        try server.write(Array("{}\n".utf8))
        try server.close()
        #expect(try client.readToEnd(limit: 100) == Array("{}\n".utf8))
    }
}
