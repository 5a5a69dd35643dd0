import Glibc
import Model
import Query
import Synchronization
import Syscalls

@testable import Block
@testable import Store

extension FuzzTarget {
    /// Input: a byte that chooses conditions, two of operations, two that cut the time, the block.
    ///
    /// The block, its checksums made right, is the only one of a store, which is asked in several ways. Where none of them
    /// found damage, they have to agree: how many events there are, how many rows come forwards and backwards, and the sum of
    /// groups.
    static func runScan(_ input: [UInt8]) {
        var cursor = InputCursor(input)
        let conditions = cursor.bytes(5)
        guard conditions.count == 5 else { return }
        var bytes = Array(cursor.rest)
        BlockBytes.sign(&bytes)
        guard let header = try? BlockReader(bytes).header, header.count > 0,
            // Numbers of a store begin with 1.
            header.firstSequence > 0, header.firstSequence < 1 << 62, header.endSequence < 1 << 62
        else { return }
        FuzzedStore.shared.withLock { store in
            do {
                if store == nil { store = try FuzzedStore() }
                try store?.ask(bytes, header, selection(conditions, header))
            } catch {
                preconditionFailure("a store with a block cannot be asked: \(error)")
            }
        }
    }

    private static func selection(_ conditions: [UInt8], _ header: BlockHeader) throws -> Selection {
        var selection = Selection()
        let choice = conditions[0]
        selection.operations = EventMask(
            rawValue: choice & 1 == 0 ? 0 : UInt32(conditions[1]) | UInt32(conditions[2]) << 8)
        let start = header.earliest.nanosecondsSinceEpoch
        let step = (header.latest.nanosecondsSinceEpoch &- start) / 255
        if choice & 2 != 0 { selection.since = Instant(nanosecondsSinceEpoch: start &+ step &* Int64(conditions[3])) }
        if choice & 4 != 0 { selection.until = Instant(nanosecondsSinceEpoch: start &+ step &* Int64(conditions[4])) }
        switch choice >> 3 & 3 {
        case 1: selection.paths = [try Glob(Array("/srv/file-1".utf8), subject: .path)]
        case 2: selection.paths = [try Glob(Array("*-[0-2]*".utf8), subject: .path)]
        case 3: selection.directories = [Glob(under: RawPath("/srv"))]
        default: break
        }
        if choice & 32 != 0 { selection.comms = [try Glob(Array("*".utf8), subject: .word)] }
        if choice & 64 != 0 { selection.userIDs = [0] }
        selection.includesOverlapping = choice & 128 != 0
        return selection
    }
}

/// A store in memory that holds one block after the other.
private final class FuzzedStore {
    static let shared = Mutex<FuzzedStore?>(nil)
    private static let directory = RawPath("/dev/shm/varve-fuzz-\(getpid())")

    private let writer: StoreWriter
    private let reader: StoreReader

    init() throws {
        atexit { try? Files.removeTree(FuzzedStore.directory) }
        var writer = try StoreWriter(directory: Self.directory, create: true)
        let start = Instant(nanosecondsSinceEpoch: 1_790_000_000_000_000_000)
        _ = try writer.beginRun(
            RunRecord(
                bootID: UUIDBytes(high: 1, low: 2), started: start, startedMonotonicNanoseconds: 0, pid: 1,
                version: "fuzz", options: ""),
            coverage: [])
        self.writer = writer
        reader = try StoreReader(directory: Self.directory)
    }

    func ask(_ bytes: [UInt8], _ header: BlockHeader, _ selection: Selection) throws {
        try put(bytes, header)
        var damaged = false
        var answers: [(of: String, count: UInt64)] = []
        func scan(_ selection: Selection) -> Scan { Scan(reader, selection) }
        func note(_ name: String, _ count: UInt64, _ scan: Scan) {
            if !scan.damages.isEmpty { damaged = true }
            answers.append((name, count))
        }

        let counting = scan(selection)
        note("count", try counting.count(), counting)
        for isReversed in [false, true] {
            var directed = selection
            directed.isReversed = isReversed
            let rows = scan(directed)
            var count: UInt64 = 0
            try rows.forEachGroup { view in
                let positions = view.positions
                precondition(positions.allSatisfy { (0..<view.group.count).contains($0) })
                precondition(zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 })
                count += UInt64(positions.count)
                return .proceed
            }
            note(isReversed ? "rows backwards" : "rows", count, rows)
        }
        for grouping in [Grouping.process, .user, .path] {
            let groups = try TopGroups(grouping, in: reader, .all) { scan(selection) }
            note("groups by \(grouping.rawValue)", groups.rows.reduce(0) { $0 + $1.count }, groups.scan)
        }
        _ = try TopGroups(.path, in: reader, .first(3)) { scan(selection) }
        try write(selection)
        guard !damaged else { return }
        precondition(answers.allSatisfy { $0.count == answers[0].count }, "\(answers)")
    }

    /// What `varve events` prints, in two forms.
    private func write(_ selection: Selection) throws {
        for format in [OutputFormat.jsonl, .table] {
            let context = QueryContext(
                storeDirectory: Self.directory, format: format, acceptsGaps: true,
                output: AnswerOutput(memoryAsTerminal: true), messages: Messages(collecting: true), zone: .utc)
            _ = try EventsAnswer(context, selection).run()
            precondition(context.output.collected.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x1B })
        }
    }

    /// The block takes the place of the one before; its row says what its header says, as compaction would have it.
    private func put(_ bytes: [UInt8], _ header: BlockHeader) throws(StoreError) {
        let block = EncodedBlock(
            bytes: bytes, filter: [], firstSequence: header.firstSequence, count: header.count,
            earliest: header.earliest, latest: header.latest, maskUnion: header.maskUnion,
            rowGroupCount: header.rowGroups.count, commitCount: header.commitCount, pathCount: header.pathCount,
            processCount: header.processCount, factCount: header.factCount, instances: nil)
        try writer.connection.transaction { (connection) throws(StoreError) in
            try connection.execute("DELETE FROM block")
            try StoreWriter.insert(block, level: 0, nextInstance: 2, connection)
        }
    }
}
