package import Model
package import Store

/// What a store says about when and where it was recorded into.
package struct CoverageHistory: Sendable {
    package var runs: [RunRecord]
    package var coverage: [Coverage]
    package var gaps: [GapRow]
    package var heartbeat: Heartbeat?
    /// The greatest window end of the last events.
    package var lastEvent: Instant?
    /// A moment up to which everything is surely in the store, from a barrier just made; nil where none was.
    package var barrier: Instant?

    package init(
        runs: [RunRecord], coverage: [Coverage], gaps: [GapRow], heartbeat: Heartbeat?, lastEvent: Instant?,
        barrier: Instant? = nil
    ) {
        self.runs = runs
        self.coverage = coverage
        self.gaps = gaps
        self.heartbeat = heartbeat
        self.lastEvent = lastEvent
        self.barrier = barrier
    }

    /// Reads all of it but the barrier.
    package init(_ reader: StoreReader) throws(StoreError) {
        self.init(
            runs: try reader.runs(), coverage: try reader.coverage(), gaps: try reader.gaps(),
            heartbeat: AliveFile.read(directory: reader.directory).heartbeat, lastEvent: try reader.lastEventTime())
    }

    /// When each tree was covered.
    ///
    /// A run that was stopped cleanly covers up to its stop. One that ended otherwise covers up to the next run's start:
    /// the gap between the two has a row of its own. The last run, live or dead, covers up to the last moment before
    /// which nothing can be missing.
    package var spans: [CoveredSpan] {
        coverage.compactMap { coverage in
            guard let position = runs.firstIndex(where: { $0.run == coverage.run }) else { return nil }
            let end = min(coverage.to ?? .distantFuture, endOfRun(at: position))
            return CoveredSpan(path: coverage.path, from: coverage.from, to: max(coverage.from, end))
        }
    }

    package var completeness: Completeness {
        Completeness(spans: spans, gaps: boundedGaps)
    }

    /// The gaps, where one that was open when it was written (a path that could not be marked) ends with its run.
    package var boundedGaps: [Gap] {
        gaps.map { row in
            var gap = row.gap
            guard gap.to == .distantFuture, let run = row.run,
                let position = runs.firstIndex(where: { $0.run == run })
            else { return gap }
            gap.to = max(gap.from, endOfRun(at: position))
            return gap
        }
    }

    private func endOfRun(at position: Int) -> Instant {
        let run = runs[position]
        if let end = run.end { return end }
        if position + 1 < runs.count { return max(run.started, runs[position + 1].started) }
        var end = max(run.started, lastEvent ?? run.started)
        if let heartbeat, heartbeat.run == run.run, let quiet = heartbeat.quietAt { end = max(end, quiet) }
        if let barrier { end = max(end, barrier) }
        return end
    }
}

extension StoreReader {
    /// The greatest window end in the last block; nil in a store without events.
    package func lastEventTime() throws(StoreError) -> Instant? {
        guard let last = try lastSequence(), last > 0 else { return nil }
        return try blocks(afterSequence: last - 1).map(\.latest).max()
    }
}
