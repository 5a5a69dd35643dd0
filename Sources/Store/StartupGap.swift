package import Block
package import Model

/// What a starting recorder must say about the time since the last one: the rules, without any I/O.
package struct StartupGap: Hashable, Sendable {
    /// The last run of this store, nil when there was none.
    package var previousRun: RunRecord?
    /// The greatest window end of all events that are in the store.
    package var lastCommit: Instant?
    /// `seq` the next event will get, by what is in the store.
    package var nextSequence: UInt64
    /// What the `alive` file said, nil when it said nothing.
    package var heartbeat: Heartbeat?

    package init(previousRun: RunRecord?, lastCommit: Instant?, nextSequence: UInt64, heartbeat: Heartbeat?) {
        self.previousRun = previousRun
        self.lastCommit = lastCommit
        self.nextSequence = nextSequence
        self.heartbeat = heartbeat
    }

    /// The gap between the last run and a run that starts now; nil for the first run of a store.
    ///
    /// - A clean stop: nobody recorded from its end on.
    /// - No clean stop, same boot: the recorder was killed. All it committed is there.
    /// - No clean stop, another boot: the machine went down with it. What was not yet synced is lost as well, so the
    ///   last commit that is found may not be the last that was made.
    ///
    /// After an unclean end the gap starts at the last moment up to which nothing can be missing: the start of the
    /// run, the end of the last event's window, or the time the queue was last seen empty, whichever is latest.
    package func gap(bootID: UUIDBytes, now: Instant) -> Gap? {
        guard let run = previousRun else { return nil }
        if let end = run.end {
            return gap(.recorderDown, from: end, to: now, "the recorder was stopped")
        }
        var from = max(run.started, lastCommit ?? run.started)
        if let quiet = trustedQuietMoment(of: run) { from = max(from, quiet) }
        return run.bootID == bootID
            ? gap(.recorderDown, from: from, to: now, "the recorder ended without a clean stop")
            : gap(.powerLoss, from: from, to: now, "the machine went down while the recorder ran")
    }

    /// The heartbeat's "quiet at", if it is of that run and the store still holds every event it counts on.
    private func trustedQuietMoment(of run: RunRecord) -> Instant? {
        guard let heartbeat, let quiet = heartbeat.quietAt, heartbeat.run == run.run, heartbeat.bootID == run.bootID,
            heartbeat.nextSequence <= nextSequence, quiet <= heartbeat.writtenAt
        else { return nil }
        return quiet
    }

    /// The wall clock may have been set back meanwhile; a gap never ends before it starts.
    private func gap(_ kind: Gap.Kind, from: Instant, to: Instant, _ cause: String) -> Gap {
        Gap(kind: kind, from: from, to: max(from, to), count: nil, scope: nil, cause: cause)
    }
}
