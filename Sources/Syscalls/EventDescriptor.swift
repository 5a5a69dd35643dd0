internal import CLinux
internal import Glibc

/// A counter that wakes whoever polls it, eventfd(2). Thread: any.
package struct EventDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    package init() throws(SyscallError) {
        let number = try orThrow("eventfd") { () -> Int32 in eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
        descriptor = OwnedDescriptor(takingOver: number)
    }

    package var fileDescriptor: Int32 { descriptor.fileDescriptor }

    /// Makes the descriptor readable until `clear`.
    package borrowing func signal() {
        let number = descriptor.fileDescriptor
        // The only failure is a counter at its end, which is readable as well.
        _ = eventfd_write(number, 1)
    }

    /// Makes it unreadable; tells whether it was signalled.
    @discardableResult
    package borrowing func clear() -> Bool {
        var value: UInt64 = 0
        let number = descriptor.fileDescriptor
        // SAFETY: the C library writes one 64-bit number into the variable lent to it.
        return unsafe eventfd_read(number, &value) == 0
    }

    /// Waits until it is signalled, without clearing; false when the time was over or a signal came.
    ///
    /// Parameter timeoutNanoseconds: nil waits for ever.
    package borrowing func wait(timeoutNanoseconds: Int64?) -> Bool {
        PollSet.waitForOne(descriptor.fileDescriptor, timeoutNanoseconds: timeoutNanoseconds) > 0
    }
}

/// A clock that makes a descriptor readable, timerfd_create(2) on CLOCK_MONOTONIC.
package struct TimerDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    package init() throws(SyscallError) {
        let number = try orThrow("timerfd_create") { () -> Int32 in
            timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        }
        descriptor = OwnedDescriptor(takingOver: number)
    }

    package var fileDescriptor: Int32 { descriptor.fileDescriptor }

    /// Rings after `delayNanoseconds` (at least 1) and then every `intervalNanoseconds`, 0 for once.
    package borrowing func arm(delayNanoseconds: Int64, intervalNanoseconds: Int64 = 0) throws(SyscallError) {
        var setting = itimerspec()
        setting.it_value = Self.time(max(1, delayNanoseconds))
        setting.it_interval = Self.time(max(0, intervalNanoseconds))
        try set(&setting)
    }

    /// Does not ring any more.
    package borrowing func disarm() throws(SyscallError) {
        var setting = itimerspec()
        try set(&setting)
    }

    /// Waits until it rings, without clearing; false when the time was over or a signal came.
    ///
    /// Parameter timeoutNanoseconds: nil waits for ever.
    package borrowing func wait(timeoutNanoseconds: Int64?) -> Bool {
        PollSet.waitForOne(descriptor.fileDescriptor, timeoutNanoseconds: timeoutNanoseconds) > 0
    }

    /// How often it rang since the last call; the descriptor is unreadable then.
    package borrowing func clear() -> UInt64 {
        var count: UInt64 = 0
        let number = descriptor.fileDescriptor
        // SAFETY: the kernel writes one 64-bit number into the variable lent to it.
        let result = retryingOnInterrupt { unsafe read(number, &count, MemoryLayout<UInt64>.size) }
        return result == MemoryLayout<UInt64>.size ? count : 0
    }

    private borrowing func set(_ setting: inout itimerspec) throws(SyscallError) {
        let number = descriptor.fileDescriptor
        // SAFETY: the kernel reads the setting lent to it; the old one is not asked for.
        try orThrow("timerfd_settime") { () -> Int32 in unsafe timerfd_settime(number, 0, &setting, nil) }
    }

    private static func time(_ nanoseconds: Int64) -> timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
