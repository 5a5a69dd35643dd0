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
    /// `seq` of the newest event ever committed, by what is in the database; 0 when there was none.
    package var lastSequence: UInt64 = 0

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
        // The sign of life first: what it tells of was committed before, so a later read of the database holds it.
        let heartbeat = AliveFile.read(directory: reader.directory).heartbeat
        // What is known to be missing, and up to which event.
        self = try reader.readAtOnce { () throws(StoreError) in
            var history = CoverageHistory(
                runs: try reader.runs(), coverage: try reader.coverage(), gaps: try reader.gaps(), heartbeat: heartbeat,
                lastEvent: try reader.lastEventTime())
            history.lastSequence = try reader.lastSequence() ?? 0
            return history
        }
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

    /// Those of `asked` that were not recorded in `since` ..< `until` (nil: open), by each run that left some out.
    package func notRecorded(_ asked: EventMask, since: Instant?, until: Instant?) -> [Completeness.Reason] {
        runs.indices.compactMap { position in
            let run = runs[position]
            let end = endOfRun(at: position)
            guard let operations = run.operations, run.started < until ?? .distantFuture, end > since ?? .distantPast
            else { return nil }
            let missing = asked.intersection(.operations).subtracting(operations)
            return missing.isEmpty ? nil : .notRecorded(missing, from: run.started, to: end)
        }
    }

    /// The patterns that runs of `since` ..< `until` (nil: open) left out where that touches one of the places asked for: each
    /// with the time of the runs that did, one after the other.
    package func excluded(_ asked: [AskedPlaces], since: Instant?, until: Instant?) -> [Completeness.Reason] {
        guard !asked.isEmpty else { return [] }
        var found: [(pattern: [UInt8], last: Int, from: Instant, to: Instant)] = []
        var isTouched: [[UInt8]: Bool] = [:]
        for (position, run) in runs.enumerated() {
            let end = endOfRun(at: position)
            guard let exclusions = run.exclusions, run.started < until ?? .distantFuture, end > since ?? .distantPast
            else { continue }
            for text in exclusions {
                // What cannot be read as a pattern may be anywhere.
                let isAsked =
                    isTouched[text] ?? asked.contains { places in (try? Glob(text)).map(places.touch) ?? true }
                isTouched[text] = isAsked
                guard isAsked else { continue }
                if let index = found.lastIndex(where: { $0.pattern == text && $0.last >= position - 1 }) {
                    found[index].last = position
                    found[index].to = max(found[index].to, end)
                } else {
                    found.append((text, position, run.started, end))
                }
            }
        }
        return found.map { .excluded(pattern: $0.pattern, from: $0.from, to: $0.to) }
    }

    /// A gap as far as it is known by now.
    package struct BoundedGap: Hashable, Sendable {
        package var gap: Gap
        /// Nil where no row tells of it yet.
        package var row: GapRow?
        /// False where its row may still change: it is open, or grows as the store is pruned.
        package var isSettled: Bool
    }

    /// The gaps, where one that was open when it was written (a path that could not be marked) ends with its run.
    package var boundedGaps: [Gap] { boundedRows.map(\.gap) }

    /// The same with what is known of their rows.
    package var boundedRows: [BoundedGap] {
        var bounded = gaps.map { row in
            var gap = row.gap
            let isOpen = gap.to == .distantFuture
            if isOpen, let run = row.run, let position = runs.firstIndex(where: { $0.run == run }) {
                gap.to = max(gap.from, endOfRun(at: position))
            }
            return BoundedGap(gap: gap, row: row, isSettled: !isOpen && gap.kind != .pruned)
        }
        for gap in [lostCommits, pendingLoss] {
            if let gap { bounded.append(BoundedGap(gap: gap, row: nil, isSettled: false)) }
        }
        return bounded
    }

    /// Events that the last run dropped and could write no row for. While the row and the sign of life that no longer tells
    /// of it are being written, both may be there.
    private var pendingLoss: Gap? {
        guard let heartbeat, heartbeat.run >= runs.last?.run ?? 0, let loss = heartbeat.pendingLoss,
            !gaps.contains(where: { $0.run == heartbeat.run && $0.gap.kind == loss.kind && $0.gap.from == loss.from })
        else { return nil }
        return loss
    }

    /// Events that the last sign of life tells of and the database does not hold: its `-wal` was cut, left behind by a copy,
    /// or lost with the power. A recorder that starts on the store records a gap of its own for it.
    private var lostCommits: Gap? {
        guard let heartbeat, heartbeat.run >= runs.last?.run ?? 0, heartbeat.nextSequence > lastSequence + 1 else {
            return nil
        }
        let from = min(lastEvent ?? runs.last?.started ?? heartbeat.writtenAt, heartbeat.writtenAt)
        return Gap(
            kind: .batchDropped, from: from, to: heartbeat.writtenAt, count: heartbeat.nextSequence - lastSequence - 1,
            scope: nil,
            cause: "committed, but no longer in the database: its -wal was cut, or is missing beside this copy")
    }

    private func endOfRun(at position: Int) -> Instant {
        let run = runs[position]
        if let end = run.end { return end }
        if position + 1 < runs.count { return max(run.started, runs[position + 1].started) }
        var end = max(run.started, lastEvent ?? run.started)
        if let heartbeat, heartbeat.run == run.run, let quiet = heartbeat.quietAt { end = max(end, quiet) }
        if let barrier { end = max(end, barrier) }
        // Up to there everything is in the store or in the gap; the range that an answer is about must reach the gap.
        for gap in [lostCommits, pendingLoss] { if let gap { end = max(end, gap.to) } }
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
