import Syscalls

/// Wakes one thread that waits in poll(2), from any other: an eventfd(2).
final class Waker: Sendable {
    let descriptor: EventDescriptor

    init() throws(SyscallError) {
        descriptor = try EventDescriptor()
    }

    /// Makes the descriptor readable until `clear`.
    func wake() {
        descriptor.signal()
    }

    func clear() {
        _ = descriptor.clear()
    }

    /// Waits until somebody wakes, or the time is up; nil waits without end. True: somebody did.
    @discardableResult
    func wait(timeoutNanoseconds: Int64?) -> Bool {
        descriptor.wait(timeoutNanoseconds: timeoutNanoseconds)
    }
}
