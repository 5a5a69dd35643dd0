package import Block
package import Model

/// One run of a recorder on this store.
package struct RunRecord: Hashable, Sendable {
    /// Its number in the store, from 1; 0 while none was given.
    package var run: UInt32
    package var bootID: UUIDBytes
    package var started: Instant
    /// CLOCK_MONOTONIC at the start.
    package var startedMonotonicNanoseconds: Int64
    package var pid: Int32
    /// Of the program.
    package var version: String
    /// The command line it was given.
    package var options: String
    /// Which operations it recorded; nil where that is not known (before version 5 of the schema).
    package var operations: EventMask?
    /// Patterns whose matches it left out, with all below them; nil where that is not known (before version 6).
    package var exclusions: [[UInt8]]?
    /// When it stopped cleanly; nil while it runs and after a crash.
    package var end: Instant?

    package init(
        bootID: UUIDBytes, started: Instant, startedMonotonicNanoseconds: Int64, pid: Int32, version: String,
        options: String, operations: EventMask? = nil, exclusions: [[UInt8]]? = nil
    ) {
        run = 0
        self.bootID = bootID
        self.started = started
        self.startedMonotonicNanoseconds = startedMonotonicNanoseconds
        self.pid = pid
        self.version = version
        self.options = options
        self.operations = operations
        self.exclusions = exclusions
    }
}

extension RunRecord {
    /// Before version 5 of the schema nothing tells which operations were recorded, before 6 which paths were not.
    static func columns(schemaVersion: Int64) -> String {
        "run, boot_id, started, started_monotonic, pid, version, options, clean_end, "
            + (schemaVersion < 5 ? "NULL" : "operations") + (schemaVersion < 6 ? ", NULL" : ", exclusions")
    }

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        self.init(
            bootID: UUIDBytes(row.bytes(1)),
            started: Instant(nanosecondsSinceEpoch: row.integer(2)),
            startedMonotonicNanoseconds: row.integer(3),
            pid: Int32(clamping: row.integer(4)),
            version: row.text(5),
            options: row.text(6),
            operations: row.optionalInteger(8).map { EventMask(rawValue: UInt32(clamping: $0)) },
            exclusions: row.optionalBytes(9).map { $0.split(separator: 0).map(Array.init) })
        run = row.count(0)
        end = row.optionalInteger(7).map(Instant.init(nanosecondsSinceEpoch:))
    }
}

extension RunRecord {
    /// As its row has them.
    var exclusionBytes: [UInt8]? {
        exclusions.map { $0.flatMap { $0 + [0] } }
    }
}

extension UUIDBytes {
    /// From sixteen bytes; what is missing counts as zero.
    package init(_ bytes: [UInt8]) {
        var words: [UInt64] = [0, 0]
        for (index, byte) in bytes.prefix(16).enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(56 - 8 * (index % 8))
        }
        self.init(high: words[0], low: words[1])
    }
}
