package import Model

/// The commit that a change of rows belongs to, as far as it is shown.
package struct ChangeOrigin: Equatable, Sendable {
    /// How surely the writers are known.
    package enum Attribution: String, Sendable {
        case exact, set, unknown
    }

    /// Of the database's stream, from 1.
    package var commit: UInt64
    /// The commit became visible in (low, high].
    package var low: Instant
    package var high: Instant
    package var attribution: Attribution
    package var writers: [ActorProcess]

    package init(commit: UInt64, low: Instant, high: Instant, attribution: Attribution, writers: [ActorProcess]) {
        self.commit = commit
        self.low = low
        self.high = high
        self.attribution = attribution
        self.writers = writers
    }
}
