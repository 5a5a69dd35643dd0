internal import CLinux
internal import Glibc

/// Signals read from a descriptor instead of handled, signalfd(2).
package struct SignalDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Blocks `signals` in the calling thread and takes them over.
    ///
    /// Thread: the first, before any other is made, so that every thread inherits the block and no signal gets past.
    package init(_ signals: [Int32]) throws(SyscallError) {
        var set = Self.set(of: signals)
        // SAFETY: both calls read the set lent to them; the old mask is not asked for.
        let result = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        if result != 0 { throw SyscallError(call: "pthread_sigmask", errno: result) }
        let number = try orThrow("signalfd") { () -> Int32 in
            unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        }
        descriptor = OwnedDescriptor(takingOver: number)
    }

    package var fileDescriptor: Int32 { descriptor.fileDescriptor }

    /// The next signal that arrived, nil when there is none.
    package borrowing func next() throws(SyscallError) -> Int32? {
        let number = descriptor.fileDescriptor
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        // SAFETY: the kernel writes one structure of that size into the variable lent to it.
        let result = retryingOnInterrupt { unsafe read(number, &information, size) }
        if result == -Int(EAGAIN) { return nil }
        if result < 0 { throw SyscallError(call: "read", errno: Int32(truncatingIfNeeded: -result)) }
        return Int32(truncatingIfNeeded: information.ssi_signo)
    }

    /// Writing to a socket or pipe whose reader is gone shall fail with EPIPE instead of ending the process.
    package static func ignoreBrokenPipes() {
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
    }

    private static func set(of signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        // SAFETY: the C library writes the set lent to it. A number that is no signal is refused without effect.
        _ = unsafe sigemptyset(&set)
        for signal in signals { _ = unsafe sigaddset(&set, signal) }
        return set
    }
}
