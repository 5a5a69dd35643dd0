internal import CLinux
internal import Glibc

/// Descriptors that are waited for together, poll(2). Small sets only: every wait passes all of them.
package struct PollSet: Sendable {
    private var entries: [pollfd]

    /// Waits for something to read on each of `descriptors`; a negative one is skipped by the kernel.
    package init(reading descriptors: [Int32]) {
        entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    }

    /// The same with `changing` behind them: descriptors that report an error condition when what they show changes, as
    /// mountinfo does (proc(5)), and that are always readable.
    package init(reading descriptors: [Int32], errorsOf changing: [Int32]) {
        self.init(reading: descriptors)
        entries += changing.map { pollfd(fd: $0, events: 0, revents: 0) }
    }

    package var count: Int { entries.count }

    /// Puts another descriptor at `index`, negative for none.
    package mutating func replace(at index: Int, with descriptor: Int32) {
        entries[index].fd = descriptor
        entries[index].revents = 0
    }

    /// Waits until a descriptor is ready, the time is over or a signal arrives.
    ///
    /// Parameter timeoutNanoseconds: nil waits for ever, 0 only looks.
    /// Returns: how many are ready, 0 after the time or a signal. Cost: one ppoll(2).
    @discardableResult
    package mutating func wait(timeoutNanoseconds: Int64?) throws(SyscallError) -> Int {
        let timeout = timeoutNanoseconds.map { max(0, $0) } ?? -1
        // SAFETY: the kernel reads and writes the array's entries for the length of the call.
        let result = unsafe entries.withUnsafeMutableBufferPointer {
            unsafe clinux_poll($0.baseAddress, UInt64($0.count), timeout)
        }
        if result >= 0 { return Int(result) }
        let number = Glibc.errno
        guard number == EINTR else { throw SyscallError(call: "ppoll", errno: number) }
        for index in entries.indices { entries[index].revents = 0 }
        return 0
    }

    /// Waits for something to read on one descriptor, without a set: 1 when there is, 0 when the time was over, negative
    /// when a signal came or the kernel had no memory.
    package static func waitForOne(_ descriptor: Int32, timeoutNanoseconds: Int64?) -> Int32 {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: the kernel reads and writes the one entry for the length of the call.
        return unsafe clinux_poll(&entry, 1, timeoutNanoseconds.map { max(0, $0) } ?? -1)
    }

    /// Whether the last wait found something to read, an end or an error at `index`.
    package func isReady(at index: Int) -> Bool {
        entries[index].revents != 0
    }
}
