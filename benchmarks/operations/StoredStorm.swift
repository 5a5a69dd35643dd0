internal import Block
internal import Model
internal import Store

/// A store of a quarter of a million events of a storm, merged as the recorder merges while it rests.
public enum StoredStorm {
    private static let batchCount = 32
    private static let readingsPerBatch = 8
    /// Of which a few events in the middle of the store tell.
    static var knownPath: String { FileStorm.knownPath(ofReading: batchCount * readingsPerBatch / 2) }

    /// Makes the store in a directory that does not exist yet. Throws: `StoreError`.
    public static func write(to directory: String) throws {
        var writer = try StoreWriter(directory: RawPath(directory), create: true)
        let started = Instant(nanosecondsSinceEpoch: 1_760_000_000_000_000_000)
        let run = try writer.beginRun(
            RunRecord(
                bootID: StormBatches.run.bootID, started: started, startedMonotonicNanoseconds: 0, pid: 1,
                version: "measured", options: ""),
            coverage: [
                Coverage(
                    path: RawPath("/"), filesystem: FilesystemID(rawValue: 1), filesystemType: "ext4",
                    mountPoint: RawPath("/"), from: started)
            ])
        var encoder = BlockEncoder(filterKey: writer.filterKey)
        var batches = try StormBatches(seed: 2)
        var last = started
        for _ in 0..<batchCount {
            let batch = batches.next(readingCount: readingsPerBatch)
            last = batch.windows.last?.time ?? last
            let block = try encoder.encode(
                batch, firstSequence: writer.nextSequence, run: run, origin: writer.origin)
            try writer.append(block, nextInstance: 3)
        }
        try writer.compactAll()
        try writer.endRun(at: last)
    }
}
