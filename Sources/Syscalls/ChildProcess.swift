internal import CLinux
internal import Glibc
package import Model

/// How a process ended.
package enum ExitStatus: Hashable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    /// As a shell shows it: the exit code, or 128 and the signal.
    package var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}

/// A process this one has started and not yet waited for.
///
/// Thread: any, one at a time. A child that is never waited for stays a zombie until this process ends.
package struct ChildProcess: Sendable {
    package let pid: Int32

    /// Starts a program without forking this process's memory, with no signal blocked or ignored. posix_spawn(3).
    ///
    /// Parameters: `arguments` with the program first, searched for in PATH unless it has a slash; `environment` as
    /// NAME=VALUE, nil for this process's own; the descriptors become 0, 1 and 2, negative leaves this process's own.
    /// Throws: ENOENT, EACCES, E2BIG and others of execve(2), with the program as subject.
    package init(
        _ arguments: [RawPath], environment: [RawPath]? = nil, directory: RawPath? = nil, input: Int32 = -1,
        output: Int32 = -1, error: Int32 = -1
    ) throws(SyscallError) {
        guard let program = arguments.first else { throw SyscallError(call: "posix_spawn", errno: EINVAL) }
        var pid: Int32 = 0
        let argumentBlock = CStringBlock(arguments)
        let environmentBlock = environment.map(CStringBlock.init)
        let directoryBlock = CStringBlock(directory.map { [$0] } ?? [])
        // SAFETY: the blocks keep their strings in place until this function ends; the C function only reads them.
        let result = unsafe argumentBlock.withPointers { argumentPointers in
            unsafe directoryBlock.withPointers { directoryPointers in
                var options = unsafe clinux_spawn_options(
                    directory: UnsafePointer(directoryPointers[0]), input: input, output: output, error: error,
                    search_path: 1)
                if let environmentBlock {
                    return unsafe environmentBlock.withPointers {
                        unsafe clinux_spawn(&pid, argumentPointers, $0, &options)
                    }
                }
                return unsafe clinux_spawn(&pid, argumentPointers, clinux_environment(), &options)
            }
        }
        if result != 0 { throw SyscallError(call: "posix_spawn", errno: result, subject: program) }
        self.pid = pid
    }

    /// Waits for the end. waitpid(2).
    package func wait() throws(SyscallError) -> ExitStatus {
        guard let status = try wait(flags: 0) else { throw SyscallError(call: "waitpid", errno: ECHILD) }
        return status
    }

    /// The end, nil where the process still runs.
    package func poll() throws(SyscallError) -> ExitStatus? {
        try wait(flags: WNOHANG)
    }

    /// kill(2). Only before the child was waited for: afterwards its number can be another's.
    package func send(signal: Int32) throws(SyscallError) {
        let number = pid
        try orThrow("kill") { () -> Int32 in kill(number, signal) }
    }

    /// A descriptor that is readable once the process has ended, for poll(2). pidfd_open(2).
    package func openDescriptor() throws(SyscallError) -> OwnedDescriptor {
        let number = pid
        let result = try orThrow("pidfd_open") { () -> Int32 in clinux_pidfd_open(number, 0) }
        return OwnedDescriptor(takingOver: result)
    }

    private func wait(flags: Int32) throws(SyscallError) -> ExitStatus? {
        let number = pid
        var status: Int32 = 0
        // SAFETY: the kernel writes the status into the variable lent to it.
        let result = try orThrow("waitpid") { () -> Int32 in unsafe waitpid(number, &status, flags) }
        if result == 0 { return nil }
        return clinux_exited(status) != 0
            ? .exited(clinux_exit_status(status)) : .signalled(clinux_term_signal(status))
    }
}

/// C strings back to back, for calls that take a null-terminated array of them.
private struct CStringBlock {
    private var bytes: [CChar] = []
    private var offsets: [Int] = []

    init(_ strings: [RawPath]) {
        for string in strings {
            offsets.append(bytes.count)
            bytes.append(contentsOf: string.bytes.map(CChar.init(bitPattern:)))
            bytes.append(0)
        }
    }

    /// Lends the array, which is never empty: it ends in a null pointer.
    func withPointers<Value>(_ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value) -> Value {
        // SAFETY: the offsets are inside the bytes, which outlive the call; C takes `char *const *` but writes nothing.
        unsafe bytes.withUnsafeBufferPointer { memory in
            var pointers = unsafe offsets.map { offset -> UnsafeMutablePointer<CChar>? in
                unsafe memory.baseAddress.map { unsafe UnsafeMutablePointer(mutating: $0 + offset) }
            }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress.unsafelyUnwrapped) }
        }
    }
}
