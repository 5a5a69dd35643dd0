import Block
import Model
import Store
import Syscalls

/// A store that is filled as a recorder fills one, but with what is handed in and as fast as it goes.
struct NewStore: ~Copyable {
    private var writer: StoreWriter
    private var encoder: BlockEncoder
    private let run: RunIdentity
    private(set) var count: UInt64 = 0

    /// Everything from `start` on is covered.
    init(_ directory: RawPath, from start: Instant) throws {
        var writer = try StoreWriter(directory: directory, create: true)
        let record = RunRecord(
            bootID: UUIDBytes(high: 1, low: 1), started: start, startedMonotonicNanoseconds: 0, pid: 1,
            version: "benchmark", options: "")
        let everything = Coverage(
            path: RawPath("/"), filesystem: FilesystemID(rawValue: 1), filesystemType: "ext4",
            mountPoint: RawPath("/"), from: start)
        run = try writer.beginRun(record, coverage: [everything])
        encoder = BlockEncoder(filterKey: writer.filterKey)
        self.writer = writer
    }

    /// Stores a batch as one commit; at least one event must be kept. `nextInstance` is beyond all of its processes.
    mutating func append(_ batch: borrowing Batch, nextInstance: UInt64) throws {
        let block = try encoder.encode(
            batch, firstSequence: writer.nextSequence, run: run, origin: writer.origin)
        try writer.append(block, nextInstance: nextInstance)
        _ = try writer.checkpointIfDue()
        count += UInt64(block.count)
    }

    /// Merges all there is and ends the run.
    mutating func finish(at end: Instant) throws {
        try writer.compactAll()
        try writer.endRun(at: end)
    }
}
