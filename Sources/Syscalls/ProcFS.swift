internal import Glibc
package import Model

/// Facts about the whole machine from /proc.
package enum ProcFS {
    /// How many processes and threads were started since boot, `processes` in /proc/stat; nil where it cannot be told.
    ///
    /// Cost: the file is made on each read and grows with processors and interrupts: 20 µs and more.
    package static func forkCount(into buffer: inout [UInt8]) throws(SyscallError) -> UInt64? {
        buffer.removeAll(keepingCapacity: true)
        let file = try OwnedDescriptor.open(RawPath("/proc/stat"), flags: O_RDONLY)
        while try (file.read(upTo: 65_536, appendingTo: &buffer) ?? 0) > 0 {}
        guard let start = ByteScanner.find("\nprocesses ", in: buffer) else { return nil }
        var words = ByteScanner(buffer, from: start)
        return words.nextNumber()
    }

    /// Pids are below this, /proc/sys/kernel/pid_max; after so many forks one can come round again.
    package static func maximumPID() throws(SyscallError) -> Int32 {
        let digits = try Files.contents(of: RawPath("/proc/sys/kernel/pid_max"), limit: 64)
        return ByteScanner.decimal(digits[...]).flatMap { Int32(exactly: $0) } ?? 32_768
    }

    /// Replaces the NUL after each argument by a space and cuts the last one off, as `ps` shows a command line.
    package static func joinArguments(_ commandLine: inout [UInt8]) {
        while commandLine.last == 0 { commandLine.removeLast() }
        for index in commandLine.indices where commandLine[index] == 0 { commandLine[index] = UInt8(ascii: " ") }
    }

    /// The command line of this machine's kernel tick, sysconf(_SC_CLK_TCK): ticks a second in /proc/PID/stat.
    package static var ticksPerSecond: Int64 {
        max(1, Int64(sysconf(Int32(_SC_CLK_TCK))))
    }
}

/// Turns clock ticks since boot into moments, by the wall clock as it was when this value was made.
///
/// A step of the wall clock calls for a new one.
package struct BootClock: Hashable, Sendable {
    /// CLOCK_REALTIME minus CLOCK_BOOTTIME.
    package let bootInstant: Instant
    private let nanosecondsPerTick: Int64

    package init() {
        self.init(
            bootInstant: Clock.realtime().advanced(byNanoseconds: -Clock.boottime()),
            ticksPerSecond: ProcFS.ticksPerSecond)
    }

    package init(bootInstant: Instant, ticksPerSecond: Int64) {
        self.bootInstant = bootInstant
        nanosecondsPerTick = 1_000_000_000 / max(1, ticksPerSecond)
    }

    /// The beginning of the tick in which a moment of CLOCK_BOOTTIME lies.
    package func instant(ofBoottime nanoseconds: Int64) -> Instant {
        instant(ofTicks: UInt64(max(0, nanoseconds) / nanosecondsPerTick))
    }

    /// The beginning of a tick, saturating.
    package func instant(ofTicks ticks: UInt64) -> Instant {
        let (nanoseconds, overflow) = (Int64(exactly: ticks) ?? .max).multipliedReportingOverflow(
            by: nanosecondsPerTick)
        return bootInstant.advanced(byNanoseconds: overflow ? .max : nanoseconds)
    }
}
