package import Block
package import Model

extension StoreWriter {
    /// Begins a run: its row, what it covers, and the gap since the last one, in one transaction.
    package mutating func beginRun(_ run: RunRecord, coverage: [Coverage]) throws(StoreError) -> RunIdentity {
        let gap = startupGap(bootID: run.bootID, now: run.started)
        let afterSequence = nextSequence - 1
        let number = try connection.transaction { (connection) throws(StoreError) -> UInt32 in
            let number = UInt32(clamping: try connection.integer("SELECT coalesce(max(run), 0) + 1 FROM run"))
            try connection.prepare(
                "insert run",
                """
                INSERT INTO run(run, boot_id, started, started_monotonic, pid, version, options, operations,
                    exclusions)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
            ).run([
                .count(number), .bytes(run.bootID.bytes), .integer(run.started.nanosecondsSinceEpoch),
                .integer(run.startedMonotonicNanoseconds), .count(run.pid), .text(run.version), .text(run.options),
                run.operations.map { .count($0.rawValue) } ?? .null, run.exclusionBytes.map { .bytes($0) } ?? .null,
            ])
            for item in coverage { _ = try Self.insert(item, run: number, connection) }
            if let gap { try Self.insert(gap, run: number, afterSequence: afterSequence, connection) }
            return number
        }
        let identity = RunIdentity(run: number, bootID: run.bootID)
        currentRun = identity
        return identity
    }

    /// Marks the run as stopped cleanly: up to `moment` nothing is missing but what gap rows say.
    package mutating func endRun(at moment: Instant) throws(StoreError) {
        guard let run = currentRun else { return }
        try connection.prepare("end run", "UPDATE run SET clean_end = ? WHERE run = ?")
            .run([.integer(moment.nanosecondsSinceEpoch), .count(run.run)])
        currentRun = nil
        abortImage()
        // A stopped store is small, durable, and read without working through a -wal. What of this fails costs space.
        try? giveBackFreePages()
        _ = try? checkpoint(truncating: true)
    }

    /// In steps, so that the `-wal` stays small; not without end, since whoever stops the recorder waits.
    private mutating func giveBackFreePages() throws(StoreError) {
        for _ in 0..<16 {
            guard try connection.integer("PRAGMA freelist_count") > 0 else { return }
            try connection.execute("PRAGMA incremental_vacuum(512)")
            _ = try checkpointIfDue()
        }
    }

    /// Writes down what mounts that came and went make of the current run's coverage, in one transaction.
    package mutating func record(_ change: CoverageChange) throws(StoreError) {
        guard let run = currentRun?.run, !change.isEmpty else { return }
        let afterSequence = nextSequence - 1
        try connection.transaction { (connection) throws(StoreError) in
            for end in change.ended {
                try connection.prepare(
                    "end coverage",
                    """
                    UPDATE coverage SET covered_to = ?
                    WHERE run = ? AND path = ? AND filesystem = ? AND covered_to IS NULL
                    """
                ).run([
                    .integer(end.at.nanosecondsSinceEpoch), .count(run), .bytes(end.path.bytes),
                    .bits(end.filesystem.rawValue),
                ])
            }
            for end in change.endedGaps {
                try connection.prepare(
                    "end gap",
                    """
                    UPDATE gap SET missing_to = max(missing_from, ?)
                    WHERE run = ? AND kind = ? AND scope = ? AND missing_to = ?
                    """
                ).run([
                    .integer(end.at.nanosecondsSinceEpoch), .count(run), .text(Gap.Kind.notCovered.rawValue),
                    .bytes(end.scope.bytes), .integer(Instant.distantFuture.nanosecondsSinceEpoch),
                ])
            }
            for coverage in change.started { _ = try Self.insert(coverage, run: run, connection) }
            for mount in change.containerMounts { try mount.insert(run: run, connection) }
            for gap in change.gaps { try Self.insert(gap, run: run, afterSequence: afterSequence, connection) }
        }
    }

    private static func insert(
        _ coverage: Coverage, run: UInt32, _ connection: borrowing Connection
    ) throws(StoreError) -> Int64 {
        try connection.prepare(
            "insert coverage",
            """
            INSERT INTO coverage(run, path, filesystem, filesystem_type, mount_point, covered_from, covered_to)
            VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id
            """
        ).first([
            .count(run), .bytes(coverage.path.bytes), .bits(coverage.filesystem.rawValue),
            .text(coverage.filesystemType), .bytes(coverage.mountPoint.bytes),
            .integer(coverage.from.nanosecondsSinceEpoch), .optional(coverage.to?.nanosecondsSinceEpoch),
        ]) { (row) throws(StoreError) in row.integer(0) } ?? 0
    }
}
