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
    /// When it stopped cleanly; nil while it runs and after a crash.
    package var end: Instant?

    package init(
        bootID: UUIDBytes, started: Instant, startedMonotonicNanoseconds: Int64, pid: Int32, version: String,
        options: String
    ) {
        run = 0
        self.bootID = bootID
        self.started = started
        self.startedMonotonicNanoseconds = startedMonotonicNanoseconds
        self.pid = pid
        self.version = version
        self.options = options
    }
}

extension RunRecord {
    static let columns = "run, boot_id, started, started_monotonic, pid, version, options, clean_end"

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        self.init(
            bootID: UUIDBytes(row.bytes(1)),
            started: Instant(nanosecondsSinceEpoch: row.integer(2)),
            startedMonotonicNanoseconds: row.integer(3),
            pid: Int32(clamping: row.integer(4)),
            version: row.text(5),
            options: row.text(6))
        run = row.count(0)
        end = row.optionalInteger(7).map(Instant.init(nanosecondsSinceEpoch:))
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
