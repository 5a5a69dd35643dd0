internal import Block
internal import Fanotify
internal import Model
internal import Recorder

/// What is read from the queue between two commits, in a storm.
private let readingCount = 8
private let seed: UInt64 = 0x7661_7276

final class Parsing: Work {
    private let readings: [FileStorm.Reading]
    let unit = "record"
    let unitCount: Int

    init() {
        var storm = FileStorm(seed: seed)
        readings = (0..<readingCount).map { _ in storm.next() }
        unitCount = readings.reduce(0) { $0 + $1.recordCount }
    }

    func run() throws -> Int {
        var sum = 0
        var record = EventRecord()
        for reading in readings {
            let bytes = reading.bytes
            // SAFETY: bytes have no padding, and the array outlives the span.
            var cursor = EventCursor(unsafe bytes.span.bytes)
            while try cursor.next(into: &record) {
                sum &+= Int(record.mask.rawValue) &+ Int(record.name.byteCount) &+ Int(record.pid)
            }
        }
        return sum
    }
}

final class Resolving: Work {
    private var batches: StormBatches
    private let readings: [FileStorm.Reading]
    let unit = "record"
    let unitCount: Int

    init() throws {
        var batches = try StormBatches(seed: seed)
        readings = batches.nextReadings(readingCount)
        self.batches = batches
        unitCount = readings.reduce(0) { $0 + $1.recordCount }
    }

    func run() throws -> Int {
        batches.resolve(readings)
    }
}

final class Encoding: Work {
    private var encoder = BlockEncoder(filterKey: StormBatches.filterKey)
    private let batch: Batch
    let unit = "event"
    var unitCount: Int { batch.keptCount }

    init() throws {
        var batches = try StormBatches(seed: seed)
        batch = batches.next(readingCount: readingCount)
    }

    func run() throws -> Int {
        let block = try encoder.encode(
            batch, firstSequence: 1, run: StormBatches.run, origin: StormBatches.origin)
        return block.bytes.count
    }
}

final class Decoding: Work {
    private let bytes: [UInt8]
    let unit = "event"
    let unitCount: Int

    init() throws {
        (bytes, unitCount) = try StormBatches.block(seed: seed, readingCount: readingCount)
    }

    func run() throws -> Int {
        let reader = try BlockReader(bytes)
        var sum = try reader.commits().count + reader.processes().count + reader.pathDictionary().count
        for group in reader.header.rowGroups.indices {
            for column in Column.allCases {
                for value in try reader.column(column, rowGroup: group) { sum &+= Int(value) }
            }
            sum &+= try reader.windows(of: group).table.count
            sum &+= try reader.objects(rowGroup: group).count
        }
        return sum
    }
}
