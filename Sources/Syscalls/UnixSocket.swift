internal import CLinux
internal import Glibc
package import Model

/// Who is at the other end of a socket: what the kernel noted when it was connected, unix(7) SO_PEERCRED.
package struct PeerCredentials: Hashable, Sendable {
    /// 0 where the peer is in a pid namespace we cannot see.
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32
}

/// Stream sockets with a path, unix(7).
package enum UnixSocket {
    /// Makes a socket at `path` with exactly these permissions and listens; what is at the path before is removed.
    ///
    /// Shape: non-blocking, closed on exec. Only who holds the store's lock may call it: the removed socket must not be
    /// in use.
    package static func listen(at path: RawPath, mode: UInt32, backlog: Int32 = 16) throws(SyscallError)
        -> OwnedDescriptor
    {
        let descriptor = try make(SOCK_STREAM, nonBlocking: true)
        let number = descriptor.fileDescriptor
        let address = try SocketAddress(path)
        do throws(SyscallError) { try Files.unlink(path) } catch  where error.errno == ENOENT {}
        // With the mode set before bind(2), nobody can connect while it is still wider.
        try orThrow("fchmod", path) { () -> Int32 in fchmod(number, mode) }
        // SAFETY: here and below the address is lent for the call, which only reads it.
        try orThrow("bind", path) { () -> Int32 in unsafe address.withPointer { unsafe bind(number, $0, $1) } }
        // The umask narrows what bind(2) makes.
        try Files.setPermissions(path, mode: mode)
        try orThrow("listen", path) { () -> Int32 in Glibc.listen(number, backlog) }
        return descriptor
    }

    /// The next connection, nil when none waits. The connection does not block either.
    package static func accept(on listener: borrowing OwnedDescriptor) throws(SyscallError) -> OwnedDescriptor? {
        let number = listener.fileDescriptor
        let result = retryingOnInterrupt { clinux_accept(number) }
        switch result {
        case 0...: return OwnedDescriptor(takingOver: result)
        // The peer gave up in between: as if it had never come.
        case -EAGAIN, -ECONNABORTED: return nil
        default: throw SyscallError(call: "accept4", errno: -result)
        }
    }

    /// Connects and returns a blocking socket.
    ///
    /// Throws: ENOENT and ECONNREFUSED where nobody listens, EACCES without write permission.
    package static func connect(to path: RawPath) throws(SyscallError) -> OwnedDescriptor {
        let descriptor = try make(SOCK_STREAM, nonBlocking: false)
        let number = descriptor.fileDescriptor
        let address = try SocketAddress(path)
        try orThrow("connect", path) { () -> Int32 in
            // SAFETY: see above.
            unsafe address.withPointer { unsafe Glibc.connect(number, $0, $1) }
        }
        return descriptor
    }

    package static func peerCredentials(of connection: borrowing OwnedDescriptor) throws(SyscallError)
        -> PeerCredentials
    {
        let number = connection.fileDescriptor
        var peer = clinux_credentials()
        // SAFETY: the C function fills the variable lent to it.
        try orThrow("getsockopt") { () -> Int32 in unsafe clinux_peer_credentials(number, &peer) }
        return PeerCredentials(pid: peer.pid, uid: peer.uid, gid: peer.gid)
    }

    static func make(_ type: __socket_type, nonBlocking: Bool) throws(SyscallError) -> OwnedDescriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        let number = try orThrow("socket") { () -> Int32 in socket(AF_UNIX, Int32(type.rawValue) | flags, 0) }
        return OwnedDescriptor(takingOver: number)
    }
}

/// A `struct sockaddr_un`: 2 bytes of family, then at most 107 bytes of path and NUL.
struct SocketAddress: ~Copyable {
    private var address = sockaddr_un()
    private let length: socklen_t
    /// Keeps the directory open whose descriptor a shortened path names.
    private let directory: OwnedDescriptor?

    /// A longer path is reached through the open directory it is in.
    init(_ path: RawPath) throws(SyscallError) {
        if path.bytes.count < SocketAddress.capacity {
            directory = nil
            length = Self.fill(&address, path.bytes)
            return
        }
        guard let parent = path.parent else { throw SyscallError(call: "bind", errno: ENAMETOOLONG, subject: path) }
        let opened = try OwnedDescriptor.open(parent, flags: O_PATH | O_DIRECTORY)
        let name = path.bytes[((path.bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...]
        let short = Array("/proc/self/fd/\(opened.fileDescriptor)/".utf8) + name
        guard short.count < SocketAddress.capacity else {
            throw SyscallError(call: "bind", errno: ENAMETOOLONG, subject: path)
        }
        length = Self.fill(&address, short)
        directory = consume opened
    }

    /// An address in the abstract namespace, without a file.
    init(abstract name: some Collection<UInt8>) {
        directory = nil
        length = Self.fill(&address, [0] + name.prefix(SocketAddress.capacity - 1)) - 1
    }

    borrowing func withPointer<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        // SAFETY: a sockaddr_un begins as every sockaddr does, and the kernel reads no further than the length.
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }

    private static let capacity = 108

    private static func fill(_ address: inout sockaddr_un, _ path: [UInt8]) -> socklen_t {
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: callers keep the path below the capacity of the tuple, which is zeroed.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        return socklen_t(MemoryLayout<sa_family_t>.size + path.count + 1)
    }
}
