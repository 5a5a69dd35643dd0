import Block
import Glibc
import Model
import Store
import TestSupport

/// A store in a directory of its own, and blocks to fill it with.
struct StoreScene: ~Copyable {
    let directory: TemporaryDirectory
    var path: RawPath { RawPath(directory.appending("store")) }
    var layout: StoreLayout { StoreLayout(directory: path) }

    init() throws {
        directory = try TemporaryDirectory()
    }

    func writer(create: Bool = true) throws(StoreError) -> StoreWriter {
        try StoreWriter(directory: path, create: create)
    }

    func reader() throws(StoreError) -> StoreReader {
        try StoreReader(directory: path)
    }

    static let bootID = UUIDBytes(high: 0x1122_3344_5566_7788, low: 0x99AA_BBCC_DDEE_FF00)
    static let start = Instant(nanosecondsSinceEpoch: 1_790_000_000_000_000_000)

    static func run(bootID: UUIDBytes = bootID, started: Instant = start) -> RunRecord {
        RunRecord(
            bootID: bootID, started: started, startedMonotonicNanoseconds: 77, pid: 4_321, version: "1.0",
            options: "--ops all /srv")
    }
}

/// Makes batches of events that differ from each other, one second of time each.
struct EventFactory {
    var generator: SeededGenerator
    private var batchNumber: Int64 = 0

    init(seed: UInt64 = 1) {
        generator = SeededGenerator(seed: seed)
    }

    /// `count` events in a new batch; `nameByteCount` random bytes in each name make the block as large as is wanted.
    mutating func batch(count: Int, nameByteCount: Int = 0) -> Batch {
        var batch = Batch()
        let time = StoreScene.start.advanced(byNanoseconds: batchNumber * 1_000_000_000)
        batchNumber += 1
        batch.windows.append(
            TimeWindow(
                earliest: time, time: time.advanced(byNanoseconds: 500_000_000), clockOffsetNanoseconds: 1_000))
        var process = ActorProcess(
            instance: UInt64(batchNumber), pid: Int32(truncatingIfNeeded: batchNumber), firstSeen: time)
        process.comm = RawPath("writer")
        batch.processes.append(process)
        let root = Array("srv".utf8)
        // SAFETY: here and below the span is of an array that lives longer than the call.
        let directory = unsafe batch.paths.internDirectory(parent: 0, name: root.span.bytes)
        for index in 0..<count {
            var name = Array("file\(index % 50)".utf8)
            while name.count < nameByteCount {
                let bits = generator.next()
                // Five random bits a byte, none of them a slash or NUL.
                for shift in 0..<8 { name.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift)) & 31 | 64) }
            }
            let path = unsafe batch.paths.internPath(directory: directory, name: name.span.bytes)
            batch.append(
                window: 0, process: 0, path: path, target: .absent,
                object: FileIdentity(
                    filesystem: FilesystemID(rawValue: 9), inode: UInt64(1_000 + index % 50), generation: 3),
                mask: index % 3 == 0 ? [.create, .modify] : .closeWrite, flags: [])
        }
        return batch
    }
}

extension StoreWriter {
    /// Encodes and appends a batch as the recorder does.
    mutating func append(_ batch: Batch, with encoder: inout BlockEncoder, additions: Additions = Additions()) throws {
        let block = try encoder.encode(
            batch, firstSequence: nextSequence,
            run: currentRun ?? RunIdentity(run: 1, bootID: StoreScene.bootID), origin: origin)
        try append(block, additions: additions, nextInstance: nextInstance + 1)
    }

    /// Appends `blockCount` blocks of `eventCount` events each.
    mutating func fill(
        _ factory: inout EventFactory, blockCount: Int, eventCount: Int, nameByteCount: Int = 0
    ) throws {
        var encoder = BlockEncoder(filterKey: filterKey)
        for _ in 0..<blockCount {
            try append(factory.batch(count: eventCount, nameByteCount: nameByteCount), with: &encoder)
        }
    }
}

extension StoreError {
    /// The error a body throws; nil when it does not.
    static func thrown(by body: () throws -> Void) throws -> StoreError? {
        do {
            try body()
            return nil
        } catch let error as StoreError {
            return error
        }
    }
}

/// Ends the process as a kill would: nothing is closed or written back by it.
func leaveAtOnce() -> Never {
    _exit(0)
}
