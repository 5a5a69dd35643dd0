package import Block
internal import Model

extension StoreWriter {
    /// Below this a block gets no filter: reading the block costs no more than reading the filter, and the filter's row
    /// would cost a small commit another page.
    static var leastFilteredByteCount: Int { 16_384 }

    /// Stores a block and the rows that belong to it, in one transaction.
    ///
    /// `nextInstance` is the number the next process instance will get. Durable after the next `sync`.
    /// Throws: `badBlock` unless the block starts at `nextSequence`; `diskFull`.
    package mutating func append(
        _ block: EncodedBlock, additions: Additions = Additions(), nextInstance: UInt64
    ) throws(StoreError) {
        guard block.firstSequence == nextSequence, block.count > 0 else {
            throw StoreError(
                .badBlock, "a block from seq \(block.firstSequence) was handed in, \(nextSequence) is next",
                path: directory)
        }
        let run = currentRun
        let afterSequence = nextSequence - 1 + UInt64(block.count)
        try connection.transaction { (connection) throws(StoreError) in
            try Self.insert(block, level: 0, nextInstance: nextInstance, connection)
            try Self.insert(additions, run: run, afterSequence: afterSequence, connection)
        }
        compaction.tail.append(
            BlockSummary(
                firstSequence: block.firstSequence, count: UInt64(block.count), level: 0,
                byteCount: UInt64(block.bytes.count)))
        growWALAhead()
        noteNeedlessFiles(of: additions.capture.joins)
        nextSequence += UInt64(block.count)
        self.nextInstance = max(self.nextInstance, nextInstance)
    }

    /// Stores rows without a block, in one transaction.
    package mutating func append(_ additions: Additions) throws(StoreError) {
        guard !additions.isEmpty else { return }
        let run = currentRun
        let afterSequence = nextSequence - 1
        try connection.transaction { (connection) throws(StoreError) in
            try Self.insert(additions, run: run, afterSequence: afterSequence, connection)
        }
        noteNeedlessFiles(of: additions.capture.joins)
    }

    /// As `append`, without the rows that contradict what the store holds: the others must not wait for them for ever.
    ///
    /// Returns: what was wrong with those that were left out. In their place a gap is stored.
    package mutating func appendWhatFits(_ additions: Additions) throws(StoreError) -> [StoreError] {
        let run = currentRun
        let afterSequence = nextSequence - 1
        var refused: [StoreError] = []
        try connection.transaction { (connection) throws(StoreError) in
            refused.removeAll()
            for row in additions.eachRow {
                do throws(StoreError) {
                    // A statement that breaks a constraint is undone alone. https://www.sqlite.org/lang_conflict.html
                    try Self.insert(row, run: run, afterSequence: afterSequence, connection)
                } catch  where error.isConstraint {
                    refused.append(error)
                }
            }
            guard let first = refused.first else { return }
            var told = Additions()
            let moments = additions.capture.moments
            told.gaps.append(
                Gap(
                    kind: .walMissed, from: moments.lowerBound, to: moments.upperBound, count: nil, scope: nil,
                    cause: "\(refused.count) rows of captured databases contradict the store: \(first.message)"))
            try Self.insert(told, run: run, afterSequence: afterSequence, connection)
        }
        noteNeedlessFiles(of: additions.capture.joins)
        return refused
    }

    static func insert(
        _ block: EncodedBlock, level: UInt8, nextInstance: UInt64, _ connection: borrowing Connection
    ) throws(StoreError) {
        let keepsFilter = block.bytes.count >= leastFilteredByteCount && !block.filter.isEmpty
        try connection.prepare(
            "insert block",
            """
            INSERT INTO block(first_seq, count, level, earliest, latest, mask_union, first_instance, last_instance,
                next_instance, fact_count, filter_byte_count, data)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).run([
            .count(block.firstSequence), .count(block.count), .count(level),
            .integer(block.earliest.nanosecondsSinceEpoch), .integer(block.latest.nanosecondsSinceEpoch),
            .count(block.maskUnion.rawValue),
            .optional((block.instances?.lowerBound).map { Int64(clamping: $0) }),
            .optional((block.instances?.upperBound).map { Int64(clamping: $0) }),
            .count(nextInstance), .count(block.factCount), .count(keepsFilter ? block.filter.count : 0),
            .bytes(block.bytes),
        ])
        if keepsFilter {
            try connection.prepare("insert filter", "INSERT INTO block_filter(first_seq, data) VALUES (?, ?)")
                .run([.count(block.firstSequence), .bytes(block.filter)])
        }
    }

    static func insert(
        _ additions: Additions, run: RunIdentity?, afterSequence: UInt64, _ connection: borrowing Connection
    ) throws(StoreError) {
        for gap in additions.gaps {
            try insert(gap, run: run?.run, afterSequence: afterSequence, connection)
        }
        for note in additions.notes {
            try connection.prepare("insert note", "INSERT INTO note(after_seq, moment, uid, text) VALUES (?, ?, ?, ?)")
                .run([
                    .count(afterSequence), .integer(note.moment.nanosecondsSinceEpoch),
                    .optional(note.uid.map(Int64.init)), .text(note.text),
                ])
        }
        for step in additions.clockSteps {
            try connection.prepare(
                "insert clock step", "INSERT INTO clock_step(run, moment, step, monotonic) VALUES (?, ?, ?, ?)"
            ).run([
                .count(run?.run ?? step.run), .integer(step.moment.nanosecondsSinceEpoch),
                .integer(step.stepNanoseconds), .integer(step.monotonicNanoseconds),
            ])
        }
        if !additions.capture.isEmpty { try insert(additions.capture, run: run?.run, connection) }
    }

    static func insert(
        _ gap: Gap, run: UInt32?, afterSequence: UInt64, _ connection: borrowing Connection
    ) throws(StoreError) {
        try connection.prepare(
            "insert gap",
            """
            INSERT INTO gap(run, after_seq, kind, missing_from, missing_to, count, scope, cause)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).run([
            .optional(run.map(Int64.init)), .count(afterSequence), .text(gap.kind.rawValue),
            .integer(gap.from.nanosecondsSinceEpoch), .integer(gap.to.nanosecondsSinceEpoch),
            .optional(gap.count.map { Int64(clamping: $0) }), .optional(gap.scope?.bytes), .text(gap.cause),
        ])
    }
}
