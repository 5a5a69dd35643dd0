internal import CLinux
internal import Glibc

/// The directory of one process in /proc, open: everything read through it is of that very process, never of a later
/// one with the same pid.
///
/// What is read replaces the contents of a buffer the caller reuses. A process that ends in between gives nil, for it
/// is an ordinary answer; only what is wrong with the recorder itself (EMFILE, ENOMEM) is thrown.
/// Cost: three system calls to open a file, read it and close it, 3 to 5 µs; the executable one.
/// Source: proc(5).
package struct ProcessDirectory: ~Copyable, Sendable {
    package let pid: Int32
    private let descriptor: OwnedDescriptor

    /// nil where no process has this pid, or hidepid keeps it from us.
    package init?(pid: Int32) throws(SyscallError) {
        guard pid > 0 else { return nil }
        let name = ProcName("/proc/", pid, "")
        // SAFETY: the name is a C string for the length of the call, which only reads it.
        let result = unsafe name.withCString { name in
            retryingOnInterrupt { unsafe open(name, O_PATH | O_DIRECTORY | O_CLOEXEC) }
        }
        guard let descriptor = try Self.unlessGone(result, "open") else { return nil }
        self.pid = pid
        self.descriptor = OwnedDescriptor(takingOver: descriptor)
    }

    /// Start time, parent, state and name, of `stat`. The name is a range of `buffer`.
    package borrowing func readStat(into buffer: inout [UInt8]) throws(SyscallError) -> ProcessStat? {
        guard try read("stat", upTo: 1_024, into: &buffer) else { return nil }
        return ProcessStat(buffer)
    }

    /// User and group ids, of `status`.
    package borrowing func readCredentials(into buffer: inout [UInt8]) throws(SyscallError) -> ProcessCredentials? {
        guard try read("status", upTo: 4_096, into: &buffer) else { return nil }
        return ProcessCredentials(buffer)
    }

    /// The arguments, each ended by NUL as the process has them, at most `limit` bytes; empty for kernel threads and
    /// zombies. False where the process is gone.
    package borrowing func readCommandLine(upTo limit: Int, into buffer: inout [UInt8]) throws(SyscallError) -> Bool {
        try read("cmdline", upTo: limit, into: &buffer)
    }

    /// The user who logged in, whatever happened since; nil where nobody did, or the process is gone.
    package borrowing func readLoginUID(into buffer: inout [UInt8]) throws(SyscallError) -> UInt32? {
        try readAuditNumber("loginuid", into: &buffer)
    }

    /// The audit session of that login; nil where there is none, or the process is gone.
    package borrowing func readAuditSession(into buffer: inout [UInt8]) throws(SyscallError) -> UInt32? {
        try readAuditNumber("sessionid", into: &buffer)
    }

    private borrowing func readAuditNumber(
        _ name: StaticString, into buffer: inout [UInt8]
    ) throws(SyscallError) -> UInt32? {
        guard try read(name, upTo: 64, into: &buffer) else { return nil }
        let number = ByteScanner.decimal(buffer[...])
        return number == UInt64(UInt32.max) ? nil : number.flatMap { UInt32(exactly: $0) }
    }

    /// The lines of `cgroup`; `ControlGroup.path(in:)` finds the path in them. False where the process is gone.
    package borrowing func readControlGroup(into buffer: inout [UInt8]) throws(SyscallError) -> Bool {
        try read("cgroup", upTo: 4_096, into: &buffer)
    }

    /// The path of the program it runs, as this process's mount namespace shows it.
    package borrowing func readExecutable(into buffer: inout [UInt8]) throws(SyscallError) -> ExecutableOutcome {
        let directory = descriptor.fileDescriptor
        var result = 0
        buffer.removeAll(keepingCapacity: true)
        buffer.append(addingCapacity: Int(PATH_MAX)) { output in
            // SAFETY: the name is a literal; the kernel writes at most the count of the memory lent to it.
            unsafe output.withUnsafeMutableBufferPointer { memory, initialized in
                result = retryingOnInterrupt {
                    unsafe readlinkat(
                        directory, "exe", UnsafeMutableRawPointer(memory.baseAddress.unsafelyUnwrapped), memory.count)
                }
                initialized = max(0, result)
            }
        }
        switch Int32(truncatingIfNeeded: -result) {
        case ..<0 where buffer.count < Int(PATH_MAX):
            let suffix = ExecutableOutcome.deletedSuffix
            guard buffer.count > suffix.count, buffer.suffix(suffix.count).elementsEqual(suffix) else { return .path }
            buffer.removeLast(suffix.count)
            return .deleted
        case EACCES, EPERM: return .denied
        // A kernel thread and a zombie have no program; a longer path than the system allows cannot be told.
        case ENOENT, ESRCH, ENAMETOOLONG: return .none
        case ...0: return .none
        case let number: throw SyscallError(call: "readlinkat", errno: number)
        }
    }

    /// Device and inode of the program it runs; nil where it has none, is gone, or may not be looked at.
    package borrowing func executableStatus() throws(SyscallError) -> FileStatus? {
        let directory = descriptor.fileDescriptor
        var status = stat()
        // SAFETY: the name is a literal; the kernel fills the variable lent to it.
        let result = retryingOnInterrupt { unsafe fstatat(directory, "exe", &status, 0) }
        if result == -EACCES || result == -EPERM { return nil }
        guard try Self.unlessGone(result, "fstatat") != nil else { return nil }
        return FileStatus(status)
    }

    /// Reads a file of the directory in one read(2), which /proc answers from one moment; false where it is gone.
    private borrowing func read(_ name: StaticString, upTo count: Int, into buffer: inout [UInt8])
        throws(SyscallError) -> Bool
    {
        buffer.removeAll(keepingCapacity: true)
        let directory = descriptor.fileDescriptor
        let result = retryingOnInterrupt {
            // SAFETY: a StaticString of ASCII is a C string.
            unsafe name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) {
                unsafe openat(directory, $0, O_RDONLY | O_CLOEXEC)
            }
        }
        guard let number = try Self.unlessGone(result, "openat") else { return false }
        let file = OwnedDescriptor(takingOver: number)
        do throws(SyscallError) {
            return try file.read(upTo: count, appendingTo: &buffer) != nil
        } catch  where error.errno == ESRCH || error.errno == ENOENT {
            return false
        }
    }

    private static func unlessGone(_ result: Int32, _ call: StaticString) throws(SyscallError) -> Int32? {
        switch result {
        case 0...: return result
        case -ENOENT, -ESRCH, -EACCES, -EPERM: return nil
        default: throw SyscallError(call: "\(call)", errno: -result)
        }
    }
}

/// What the link `/proc/PID/exe` says.
package enum ExecutableOutcome: Hashable, Sendable {
    case path
    /// The file was removed or replaced since; the bytes are its last path without the kernel's suffix.
    case deleted
    /// Without CAP_SYS_PTRACE the programs of other users are not told.
    case denied
    /// A kernel thread, a zombie, or gone.
    case none

    static let deletedSuffix = Array(" (deleted)".utf8)
}
