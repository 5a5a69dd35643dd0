package import Model

/// XXH3-128 over the canonical encoding of a commit's events.
///
/// It depends on what the events say and on nothing else: neither dictionary nor codec nor block cut.
package struct EventsHash: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// What one commit brought: a run of consecutive events that became durable together.
package struct CommitRecord: Hashable, Sendable {
    /// `seq` of its first event.
    package var firstSequence: UInt64
    package var count: UInt32
    /// The least `earliest` of its windows; on the grid of the format.
    package var earliest: Instant
    /// The greatest `time` of its windows; on the grid of the format.
    package var latest: Instant
    /// The run that made it: `RunIdentity.run`.
    package var run: UInt32
    package var hash: EventsHash

    package init(
        firstSequence: UInt64, count: UInt32, earliest: Instant, latest: Instant, run: UInt32, hash: EventsHash
    ) {
        self.firstSequence = firstSequence
        self.count = count
        self.earliest = earliest
        self.latest = latest
        self.run = run
        self.hash = hash
    }
}
