import Model

/// What the process table asks about processes that may be alive; `/proc` in the recorder, a script in tests.
protocol ProcessSource {
    /// The identity of whatever process has this pid now, nil when there is none.
    ///
    /// Cost: one small file of `/proc`, 3 to 5 µs.
    mutating func identity(of pid: Int32) -> ProcessIdentity?

    /// Fills in what is known about a live process; false when it vanished on the way.
    ///
    /// Cost: up to six files of `/proc`, 20 to 40 µs.
    mutating func describe(_ process: inout ActorProcess, including exe: Bool) -> Bool

    /// Inode number of the image a process runs now, nil when it cannot be told.
    mutating func exeInode(of pid: Int32) -> UInt64?

    /// How many processes and threads the machine has started since boot; nil when it cannot be told.
    mutating func forkCount() -> UInt64?

    /// When a process began, on the grid of start times; `monotonic` is in nanoseconds of CLOCK_MONOTONIC.
    func startMoment(monotonic: Int64) -> Instant

    /// How many forks it takes at least until a pid comes round again.
    var forksUntilReuse: UInt64 { get }
}

/// What tells one holder of a pid from the next.
struct ProcessIdentity: Equatable {
    /// Units: clock ticks since boot, field 22 of `/proc/PID/stat`.
    var startTicks: UInt64
    var start: Instant
    var parentPID: Int32
    /// A zombie still has its name and ids, but no image and no command line.
    var isZombie: Bool
}
