internal import Block
internal import Fanotify
internal import Model
internal import Recorder

/// The batches that the recorder would make of a storm.
struct StormBatches: ~Copyable {
    private var storm: FileStorm
    private var resolver: ReadingResolver

    static let filterKey = FilterKey(high: 0x1234, low: 0x5678)
    static let origin = BlockOrigin(
        store: UUIDBytes(high: 1, low: 2), machineID: UUIDBytes(high: 3, low: 4), hostName: RawPath("host"))
    static let run = RunIdentity(run: 1, bootID: UUIDBytes(high: 5, low: 6))

    init(seed: UInt64) throws {
        storm = FileStorm(seed: seed)
        resolver = ReadingResolver(top: try FileStorm.top)
        _ = resolve([storm.beginning])
    }

    mutating func nextReadings(_ count: Int) -> [FileStorm.Reading] {
        (0..<count).map { _ in storm.next() }
    }

    /// Makes one batch of the readings. Returns how many events it has.
    mutating func resolve(_ readings: [FileStorm.Reading]) -> Int {
        for reading in readings {
            let bytes = reading.bytes
            // SAFETY: bytes have no padding, and the array outlives the call.
            unsafe resolver.resolve(bytes.span.bytes, window: reading.window)
        }
        return resolver.finishBatch()
    }

    /// The batch of the next readings, done by processes that are the same on every machine.
    mutating func next(readingCount: Int) -> Batch {
        _ = resolve(nextReadings(readingCount))
        var batch = resolver.lastBatch
        batch.processes = batch.processes.indices.map { Self.process(UInt64($0)) }
        batch.facts = []
        return batch
    }

    /// A block of the first readings of a storm, and how many events it has.
    static func block(seed: UInt64, readingCount: Int) throws -> (bytes: [UInt8], eventCount: Int) {
        var batches = try StormBatches(seed: seed)
        let batch = batches.next(readingCount: readingCount)
        var encoder = BlockEncoder(filterKey: filterKey)
        let block = try encoder.encode(batch, firstSequence: 1, run: run, origin: origin)
        return (block.bytes, block.count)
    }

    private static func process(_ number: UInt64) -> ActorProcess {
        var process = ActorProcess(
            instance: number + 1, pid: 4_000 + Int32(number),
            firstSeen: Instant(nanosecondsSinceEpoch: 1_760_000_000_000_000_000))
        process.parentPID = 1
        process.uid = 1_000
        process.gid = 1_000
        process.exe = RawPath("/usr/bin/program-\(number)")
        process.comm = RawPath("program-\(number)")
        process.commandLine = RawPath("program-\(number) --jobs 4 input")
        process.exeSource = .exec
        process.detailSource = .proc
        return process
    }
}
