import Block
import Glibc
import Model
import TestData

/// Events that nobody did: 200,000 paths in 4,000 directories, of which the nth is met 1/n as often as the first, over a day.
///
/// The same for the same seed. One path in 16 is only ever read; one write in 32 is of a temporary file that is renamed over
/// the path. Eight programs run at a time, each for 2,000 events; windows hold 1 to 40 events.
struct ZipfWorkload {
    private static let pathCount = 200_000
    private static let directoryCount = 4_000
    private static let programCount = 40
    private static let concurrentCount = 8
    private static let eventsAProcess = 2_000
    private static let batchEventCount = 65_536
    private static let dayNanoseconds: UInt64 = 86_400_000_000_000
    /// 2026-11-23T00:00:00Z.
    private static let start = Instant(nanosecondsSinceEpoch: 1_795_392_000_000_000_000)

    private var random: SeededGenerator
    /// Of each rank how many of 2^32 draws are of it or of a more frequent one.
    private let cumulated: [UInt32]
    private var running: [(process: ActorProcess, left: Int)] = []
    private var instanceCount: UInt64 = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        let total = (1...Self.pathCount).reduce(0.0) { $0 + 1 / Double($1) }
        var sum = 0.0
        cumulated = (1...Self.pathCount).map { rank in
            sum += 1 / Double(rank)
            return UInt32(min(sum / total, 1) * Double(UInt32.max))
        }
    }

    /// Writes a store; gives how many events it has.
    mutating func write(to directory: RawPath, eventCount: UInt64) throws -> UInt64 {
        var store = try NewStore(directory, from: Self.start)
        // A window has 20.5 events on average.
        let step = Self.dayNanoseconds / max(1, eventCount * 2 / 41)
        var moment = Self.start
        while store.count < eventCount {
            var batch = Batch()
            var indices: [UInt64: ProcessIndex] = [:]
            while batch.count < min(Self.batchEventCount, Int(eventCount - store.count)) {
                moment = moment.advanced(byNanoseconds: Int64(step / 2 + random.next() % max(1, step)))
                batch.windows.append(
                    TimeWindow(
                        earliest: moment.advanced(byNanoseconds: -1_000_000), time: moment, clockOffsetNanoseconds: 0))
                for _ in 0...(random.next() % 40) {
                    guard batch.count < min(Self.batchEventCount, Int(eventCount - store.count)) else { break }
                    append(process(at: moment), &indices, to: &batch)
                }
            }
            try store.append(batch, nextInstance: instanceCount + 1)
        }
        let count = store.count
        try store.finish(at: moment)
        return count
    }

    private mutating func append(
        _ process: ActorProcess, _ indices: inout [UInt64: ProcessIndex], to batch: inout Batch
    ) {
        let index = indices[process.instance] ?? ProcessIndex(batch.processes.count)
        if indices.updateValue(index, forKey: process.instance) == nil { batch.processes.append(process) }
        let place = self.place()
        let path = Self.intern(place, suffix: "", &batch.paths)
        let draw = random.next() % 256
        let isReadOnly = place % 16 == 15
        var target = PathIndex.absent
        let mask: EventMask
        switch draw {
        case 0..<4 where !isReadOnly:
            target = path
            mask = .rename
        case 0..<128 where !isReadOnly: mask = [.modify, .closeWrite]
        case 0..<160 where !isReadOnly: mask = draw % 2 == 0 ? .modify : .create
        case 0..<208: mask = [.open, .access, .closeNoWrite]
        default: mask = .open
        }
        batch.append(
            window: UInt32(batch.windows.count - 1), process: index,
            path: target == .absent ? path : Self.intern(place, suffix: ".tmp", &batch.paths), target: target,
            object: FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: UInt64(place) + 1_000, generation: 1),
            mask: mask, flags: [])
    }

    /// A path by its rank: the more frequent ones lie scattered over the directories.
    private mutating func place() -> Int {
        let draw = UInt32(truncatingIfNeeded: random.next() >> 32)
        var low = 0, high = cumulated.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulated[middle] < draw { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func intern(_ place: Int, suffix: String, _ paths: inout PathDictionary) -> PathIndex {
        let directory = place &* 2_654_435_761 % directoryCount
        var parent: DirectoryIndex = 0
        for name in ["srv", "team-\(directory % 20)", "project-\(directory / 20 % 20)", "part-\(directory / 400)"] {
            let bytes = Array(name.utf8)
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            parent = unsafe paths.internDirectory(parent: parent, name: bytes.span.bytes)
        }
        let name = Array("document-\(place)\([".txt", ".c", ".json", ".log"][place % 4])\(suffix)".utf8)
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        return unsafe paths.internPath(directory: parent, name: name.span.bytes)
    }

    private mutating func process(at moment: Instant) -> ActorProcess {
        let slot = Int(random.next() % UInt64(Self.concurrentCount))
        while running.count <= slot { running.append((newProcess(at: moment), Self.eventsAProcess)) }
        if running[slot].left == 0 { running[slot] = (newProcess(at: moment), Self.eventsAProcess) }
        running[slot].left -= 1
        return running[slot].process
    }

    private mutating func newProcess(at moment: Instant) -> ActorProcess {
        instanceCount += 1
        let program = Int(random.next() % UInt64(Self.programCount))
        var process = ActorProcess(
            instance: instanceCount, pid: Int32(1_000 + instanceCount % 30_000), firstSeen: moment)
        process.start = moment
        process.comm = RawPath("program-\(program)")
        process.exe = RawPath("/usr/bin/program-\(program)")
        process.commandLine = RawPath("program-\(program) --job \(instanceCount)")
        process.uid = UInt32(1_000 + program % 5)
        process.gid = process.uid
        process.exeSource = .exec
        process.detailSource = .proc
        return process
    }
}
