package import Block
package import Model

/// A sign of life of a running recorder.
package struct Heartbeat: Hashable, Sendable {
    package var run: UInt32
    package var bootID: UUIDBytes
    package var pid: Int32
    package var writtenAt: Instant
    /// CLOCK_MONOTONIC at the same time.
    package var monotonicNanoseconds: Int64
    /// `seq` the next event will get: all below it are committed.
    package var nextSequence: UInt64
    /// The latest moment at which the kernel's queue was seen empty and all that had been read before is committed;
    /// nil when that never happened in this run.
    package var quietAt: Instant?
    /// Events that were dropped and have no gap row yet, because the database takes none.
    package var pendingLoss: Gap?

    package init(
        run: UInt32, bootID: UUIDBytes, pid: Int32, writtenAt: Instant, monotonicNanoseconds: Int64,
        nextSequence: UInt64, quietAt: Instant?, pendingLoss: Gap? = nil
    ) {
        self.run = run
        self.bootID = bootID
        self.pid = pid
        self.writtenAt = writtenAt
        self.monotonicNanoseconds = monotonicNanoseconds
        self.nextSequence = nextSequence
        self.quietAt = quietAt
        self.pendingLoss = pendingLoss
    }
}
