internal import Block
package import Model
internal import Syscalls

extension StoreWriter {
    /// Blocks and bytes one pruning transaction removes at most.
    static var pruneBlockCount: Int { 64 }
    static var pruneByteCount: UInt64 { 16 << 20 }
    /// A database of this size or less is not cut down to free the filesystem.
    static var leastByteCount: UInt64 { 1 << 20 }

    /// Holds the store within its limits by dropping whole oldest blocks, and detail of the oldest history of databases;
    /// `pruned` gaps say what is gone.
    ///
    /// To be called about once a second while recording. From the first call on, checkpoints and merges are sized for
    /// the limit. Dropping starts well below `maxByteCount`, so that what is written between two calls fits; the last
    /// block is never dropped for want of room, nor a database below 1 MiB cut down for `minFreeByteCount`.
    /// Cost: one stat(2) a file when nothing is to be done.
    package mutating func enforce(_ limits: RetentionLimits, now: Instant) throws(StoreError) -> PruneOutcome {
        self.limits = limits
        var outcome = PruneOutcome()
        if let age = limits.maxAgeNanoseconds {
            let oldest = now.advanced(byNanoseconds: -max(0, age))
            outcome.add(try prune(before: oldest, cause: "max-age"))
            while let byteCount = try dropOldestSegments(before: oldest) { outcome.byteCount += byteCount }
        }
        if let limit = limits.maxByteCount {
            outcome.add(try hold(below: limit, now: now))
        }
        if let limit = limits.minFreeByteCount {
            outcome.add(try keepFree(limit, now: now))
        }
        try dropContainerMounts(now: now)
        return outcome
    }

    /// Drops every block that ended before `moment`, oldest first, up to the first that did not.
    package mutating func prune(before moment: Instant, cause: String) throws(StoreError) -> PruneOutcome {
        var outcome = PruneOutcome()
        while true {
            let step = try pruneOldest(cause: cause, sparingLast: false) { block, _ in block.latest < moment }
            outcome.add(step)
            guard step.blockCount > 0 else { break }
            _ = try checkpointIfDue()
        }
        try dropNotes(before: moment)
        return outcome
    }

    /// Drops the notes of a time of which no event is kept; where nothing is recorded, no block takes them along.
    private mutating func dropNotes(before moment: Instant) throws(StoreError) {
        try connection.prepare(
            "prune notes by age",
            """
            DELETE FROM note WHERE moment < ?
                AND after_seq < coalesce((SELECT first_seq FROM block ORDER BY first_seq LIMIT 1), after_seq + 1)
            """
        ).run([.integer(moment.nanosecondsSinceEpoch)])
    }

    /// Drops the oldest notes where no block can be dropped any more, up to `pruneBlockCount`. False when there is none.
    private mutating func dropOldestNotes() throws(StoreError) -> Bool {
        try connection.prepare(
            "prune oldest notes",
            "DELETE FROM note WHERE id IN (SELECT id FROM note ORDER BY id LIMIT \(Self.pruneBlockCount)) RETURNING id"
        ).first { (_) throws(StoreError) in true } ?? false
    }

    private mutating func hold(below limit: UInt64, now: Instant) throws(StoreError) -> PruneOutcome {
        let target = limit - limit / 16 - min(limit / 2, reservedByteCount)
        var outcome = PruneOutcome()
        if walByteCount > truncateByteLimit { _ = try checkpoint(truncating: true) }
        var used = usedByteCount
        while used > target {
            // Watched databases and events share the room; each drop of theirs leaves a gap in the database's commits.
            let share = limit / 100 &* min(limits.segmentSharePercent, 100)
            if try segmentByteCount() > share, let byteCount = try thinSegments(now: now) {
                outcome.byteCount += byteCount
                used = usedByteCount
                continue
            }
            // Free pages are taken by what comes next, so a reserve of them stops the growth without moving any page.
            let missing = (used - target) &+ truncateByteLimit
            let free = try freeByteCount()
            if free < missing {
                let step = try prune(atLeast: missing - free, cause: "max-size")
                outcome.add(step)
                if step.blockCount == 0, let byteCount = try thinSegments(now: now) {
                    outcome.byteCount += byteCount
                    used = usedByteCount
                    continue
                }
                if step.blockCount == 0, free == 0, try !dropOldestNotes() { break }
            }
            // Only beyond this it is not enough to grow no further.
            guard used > target + limit / 32, try returnPages(used - target) else { break }
            used = usedByteCount
        }
        return outcome
    }

    /// What `du` says, but for a `-wal` up to its mark: that is in the reserve, since it may be there at any time.
    private var usedByteCount: UInt64 {
        let wal = UInt64(clamping: (try? layout.wal.status())?.allocatedByteCount ?? 0)
        let total = directoryByteCount()
        return total - min(total, wal, truncateByteLimit)
    }

    /// What may come to the directory between two calls: a `-wal` up to its mark, and one merge beyond it.
    private var reservedByteCount: UInt64 {
        truncateByteLimit + mergedByteLimit
    }

    private mutating func keepFree(_ limit: UInt64, now: Instant) throws(StoreError) -> PruneOutcome {
        var outcome = PruneOutcome()
        guard var available = availableByteCount, available < limit else { return outcome }
        // The larger of the two gives first; the second base image of a database is what makes the part before it go.
        while available < limit, try segmentByteCount() > databaseByteCount,
            let byteCount = try thinSegments(now: now)
        {
            outcome.byteCount += byteCount
            available = availableByteCount ?? limit
        }
        // When others fill the filesystem, giving up the last bit would help nobody and would be written for every second.
        while available < limit, try hasMuchToGiveBack {
            let free = try freeByteCount()
            if free < limit - available {
                outcome.add(try prune(atLeast: limit - available - free, cause: "min-free"))
            }
            guard try returnPages(limit - available) else { break }
            available = availableByteCount ?? limit
        }
        return outcome
    }

    /// The store is large enough that dropping from it gains something.
    private var hasMuchToGiveBack: Bool {
        get throws(StoreError) {
            try databaseByteCount > Self.leastByteCount
        }
    }

    private var databaseByteCount: UInt64 {
        get throws(StoreError) {
            UInt64(clamping: try connection.integer("PRAGMA page_count") &* connection.integer("PRAGMA page_size"))
        }
    }

    private var availableByteCount: UInt64? {
        (try? directory.filesystemStatus())?.availableByteCount
    }

    private func freeByteCount() throws(StoreError) -> UInt64 {
        UInt64(clamping: try connection.integer("PRAGMA freelist_count") &* connection.integer("PRAGMA page_size"))
    }

    /// Gives free pages back to the filesystem in one bounded step. False when nothing came of it.
    private mutating func returnPages(_ byteCount: UInt64) throws(StoreError) -> Bool {
        let before = try connection.integer("PRAGMA page_count")
        let pageCount = min(1_024, byteCount / 4_096 + 1)
        try connection.execute("PRAGMA incremental_vacuum(\(pageCount))")
        // The file shrinks when the checkpoint cuts it.
        let outcome = try checkpoint(truncating: true)
        return try connection.integer("PRAGMA page_count") < before && outcome == .complete
    }

    private mutating func prune(atLeast byteCount: UInt64, cause: String) throws(StoreError) -> PruneOutcome {
        var outcome = PruneOutcome()
        var rest = byteCount
        while rest > 0 {
            let goal = rest
            let step = try pruneOldest(cause: cause, sparingLast: true) { _, dropped in dropped < goal }
            guard step.blockCount > 0 else { break }
            outcome.add(step)
            rest -= min(rest, step.byteCount)
        }
        return outcome
    }

    /// One transaction: the oldest blocks for which `drops` holds, given the bytes dropped before.
    private mutating func pruneOldest(
        cause: String, sparingLast: Bool, _ drops: (BlockRow, UInt64) -> Bool
    ) throws(StoreError) -> PruneOutcome {
        var candidates: [BlockRow] = []
        try connection.prepare("oldest blocks", "SELECT \(BlockRow.columns) FROM block ORDER BY first_seq LIMIT ?")
            .forEachRow([.count(Self.pruneBlockCount + 1)]) { (row) throws(StoreError) in
                candidates.append(BlockRow(row))
            }
        if sparingLast, candidates.last?.endSequence == nextSequence { candidates.removeLast() }
        var dropped: [BlockRow] = []
        var byteCount: UInt64 = 0
        for block in candidates.prefix(Self.pruneBlockCount) {
            guard drops(block, byteCount), byteCount < Self.pruneByteCount else { break }
            dropped.append(block)
            byteCount += block.byteCount + block.filterByteCount
        }
        guard let last = dropped.last else { return PruneOutcome() }
        try drop(dropped, cause: cause)
        compaction.tail.removeAll { $0.firstSequence <= last.firstSequence }
        if let plan = compaction.merge?.plan, let first = plan.sources.first, first.firstSequence <= last.firstSequence
        {
            compaction.merge = nil
        }
        var outcome = PruneOutcome()
        outcome.blockCount = UInt64(dropped.count)
        outcome.eventCount = dropped.reduce(0) { $0 + $1.count }
        outcome.byteCount = byteCount
        return outcome
    }

    private func drop(_ blocks: [BlockRow], cause: String) throws(StoreError) {
        guard let first = blocks.first, let last = blocks.last else { return }
        let earliest = blocks.reduce(first.earliest) { min($0, $1.earliest) }
        let latest = blocks.reduce(first.latest) { max($0, $1.latest) }
        let gap = Gap(
            kind: .pruned, from: earliest, to: latest, count: blocks.reduce(0) { $0 + $1.count }, scope: nil,
            cause: cause)
        let (run, nextSequence, nextInstance) = (currentRun?.run, nextSequence, nextInstance)
        try connection.transaction { (connection) throws(StoreError) in
            try connection.prepare("prune blocks", "DELETE FROM block WHERE first_seq <= ?")
                .run([.count(last.firstSequence)])
            try connection.prepare("prune filters", "DELETE FROM block_filter WHERE first_seq <= ?")
                .run([.count(last.firstSequence)])
            try Self.record(pruned: gap, run: run, afterSequence: last.endSequence - 1, connection)
            let keep = try connection.prepare("keep number", "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)")
            try keep.run([.text("next_seq"), .count(nextSequence)])
            try keep.run([.text("next_instance"), .count(nextInstance)])
        }
    }
}
