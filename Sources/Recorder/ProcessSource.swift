import Block
import Model

/// What the process table asks about processes that may be alive; `/proc` in the recorder, a script in tests.
protocol ProcessSource {
    /// What follows is asked for the records of this reading: moments are those of its clock.
    mutating func follow(_ window: TimeWindow)

    /// The identity of whatever process has this pid now, nil when there is none.
    ///
    /// Cost: one small file of `/proc`, 3 to 5 µs.
    mutating func identity(of pid: Int32) -> ProcessIdentity?

    /// Fills in what is known about a live process, all of it from one look; nil when it vanished on the way, or when
    /// `isWanted` refuses what it runs: it is asked first, with the inode number of the image (nil when it cannot be
    /// told). What `process` holds then is of no use.
    ///
    /// Cost: six files of `/proc`, 15 to 30 µs; the refusal 3 µs.
    mutating func describe(
        _ process: inout ActorProcess, including exe: Bool, where isWanted: (UInt64?) -> Bool
    ) -> ProcessSighting?

    /// The ids of whatever process has this pid now, nil when there is none.
    ///
    /// Cost: a file of `/proc`, 10 µs.
    mutating func ids(of pid: Int32) -> (user: ProcessIDs, group: ProcessIDs)?

    /// How many processes and threads the machine has started since boot, and when that was so; nil when it cannot be told.
    mutating func forkCount() -> ForkCount?

    /// When a process began, on the grid of start times; `monotonic` is in nanoseconds of CLOCK_MONOTONIC.
    func startMoment(monotonic: Int64) -> Instant

    /// How many forks it takes at least until a pid comes round again.
    var forksUntilReuse: UInt64 { get }
}

/// How many processes and threads had been started by a moment.
struct ForkCount: Equatable {
    var count: UInt64
    /// In nanoseconds of CLOCK_MONOTONIC, not before the count was taken.
    var moment: Int64
}

/// Which process was described, and the image it ran.
struct ProcessSighting {
    var identity: ProcessIdentity
    /// nil for a zombie, and where it cannot be told.
    var exeInode: UInt64?
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
