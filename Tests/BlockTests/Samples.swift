import Block
import Model
import TestSupport

/// Batches made up from a seed, with all that batches may hold.
struct Samples {
    var random: SeededGenerator
    private var now: Int64 = 1_700_000_000_123_456_789
    private var nextInstance: UInt64 = 1
    private var processes: [ActorProcess] = []

    static let key = FilterKey(high: 0x1234, low: 0x5678)
    static let origin = BlockOrigin(
        store: UUIDBytes(high: 1, low: 2), machineID: UUIDBytes(high: 3, low: 4), hostName: RawPath("host"))
    static let run = RunIdentity(run: 7, bootID: UUIDBytes(high: 5, low: 6))

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// Batches of these counts in one merged block, in row groups of 300 events.
    static func mergedBlock(
        seed: UInt64, counts: [Int] = [900, 40, 700], pathCount: Int = 200, level: Int32 = 3, pathGroupSize: Int? = nil
    ) throws -> [UInt8] {
        var samples = Samples(seed: seed)
        var encoder = BlockEncoder(filterKey: key)
        var merger = BlockMerger(
            level: level, filterKey: key, rowGroupEventCount: 300, pathGroupSize: pathGroupSize)
        var sequence: UInt64 = 1
        for count in counts {
            let block = try encoder.encode(
                samples.batch(count, pathCount: pathCount), firstSequence: sequence, run: run, origin: origin)
            try merger.append(BlockReader(block.bytes))
            sequence = block.endSequence
        }
        return try merger.finish().bytes
    }

    /// A batch of `count` events over about `pathCount` paths.
    mutating func batch(_ count: Int, pathCount: Int = 200) -> Batch {
        var batch = Batch()
        let directories = makeDirectories(&batch)
        addProcesses(&batch)
        var paths: [PathIndex] = []
        addWindow(&batch)
        for _ in 0..<count {
            if random.chance(1, of: 9) { addWindow(&batch) }
            if paths.isEmpty || (paths.count < pathCount && random.chance(1, of: 3)) {
                let directory = directories[random.below(directories.count)]
                paths.append(batch.internPath(directory, random.chance(1, of: 40) ? [] : makeName()))
            }
            let path = random.chance(1, of: 20) ? .absent : paths[random.below(paths.count)]
            let isRename = random.chance(1, of: 30)
            if isRename { paths.append(batch.internPath(directories[random.below(directories.count)], makeName())) }
            let object = FileIdentity(
                filesystem: FilesystemID(rawValue: UInt64(1 + random.below(2))),
                inode: UInt64(path == .absent ? 77 : path) * 3 + UInt64(random.chance(1, of: 10) ? random.below(9) : 0),
                root: random.chance(1, of: 15) ? 256 : 0,
                generation: UInt8(random.below(random.chance(1, of: 9) ? 200 : 2)))
            batch.append(
                window: UInt32(batch.windows.count - 1),
                process: random.chance(1, of: 25) ? .absent : UInt32(random.below(batch.processes.count)), path: path,
                target: isRename ? paths[paths.count - 1] : .absent,
                object: random.chance(1, of: 12) ? nil : object,
                mask: EventMask(rawValue: 1 << UInt32(random.below(13)) | (isRename ? EventMask.rename.rawValue : 0)),
                flags: EventFlags(rawValue: random.chance(1, of: 10) ? UInt8(random.below(64)) : 0))
        }
        if random.chance(2, of: 3) {
            for index in 0..<count where random.chance(1, of: 30) {
                batch.setLastProcess(UInt32(random.below(batch.processes.count)), at: index)
            }
        }
        for index in 1..<max(count, 1) where random.chance(1, of: 20) { batch.drop(at: index) }
        if random.chance(1, of: 2) {
            batch.facts.append(
                ProcessFact(instance: nextInstance - 1, kind: .exitSeen, moment: Instant(nanosecondsSinceEpoch: now)))
            batch.facts.append(
                ProcessFact(
                    instance: nextInstance - 1, kind: .exited, moment: Instant(nanosecondsSinceEpoch: now),
                    status: random.chance(1, of: 2) ? .max : UInt32(random.below(70_000))))
        }
        return batch
    }

    private mutating func addWindow(_ batch: inout Batch) {
        let start = now
        now += Int64(random.below(3_000_000)) - (random.chance(1, of: 50) ? 10_000_000 : 0)
        batch.windows.append(
            TimeWindow(
                earliest: Instant(nanosecondsSinceEpoch: start), time: Instant(nanosecondsSinceEpoch: now),
                clockOffsetNanoseconds: 1_600_000_000_000_000_000 + Int64(random.below(5000))))
    }

    private mutating func addProcesses(_ batch: inout Batch) {
        for _ in 0..<(1 + random.below(6)) {
            if !processes.isEmpty && random.chance(1, of: 2) {
                let process = processes[random.below(processes.count)]
                if !batch.processes.contains(process) { batch.processes.append(process) }
                continue
            }
            var process = ActorProcess(
                instance: nextInstance, pid: Int32(random.below(100_000)),
                firstSeen: Instant(nanosecondsSinceEpoch: now))
            nextInstance += 1
            if random.chance(3, of: 4) {
                process.start = Instant(nanosecondsSinceEpoch: now - Int64(random.below(100)) * 10_000_000)
                process.parentPID = Int32(random.below(50_000))
                process.uid = 1000
                process.gid = UInt32.max
                process.loginUID = UInt32(random.below(3))
                process.exe = RawPath("/usr/bin/program\(random.below(3))")
                process.comm = RawPath("program")
                process.commandLine = RawPath("program --option \(random.below(1000)) value")
                process.exeSource = .exec
                process.detailSource = .proc
            }
            if random.chance(1, of: 4) { process.script = RawPath("/opt/script") }
            if random.chance(1, of: 4) { process.container = RawPath("c0ffee") }
            if random.chance(1, of: 2) { addLinks(to: &process) }
            processes.append(process)
            batch.processes.append(process)
        }
    }

    private mutating func addLinks(to process: inout ActorProcess) {
        if random.chance(2, of: 3) { process.parentInstance = UInt64(random.below(Int(nextInstance) + 3)) }
        if random.chance(2, of: 3) { process.realUID = random.chance(1, of: 2) ? process.uid : .max }
        if random.chance(2, of: 3) { process.realGID = UInt32(random.below(2000)) }
        if random.chance(1, of: 3) { process.auditSession = UInt32(random.below(9)) }
        if random.chance(1, of: 3) { process.terminal = 34_816 + UInt32(random.below(3)) }
        if random.chance(2, of: 3) {
            process.controlGroup = RawPath("/system.slice/service\(random.below(3)).service")
        }
        process.parentSource = random.chance(1, of: 3) ? nil : .connector
        process.identitySource = random.chance(1, of: 3) ? nil : .inherited
    }

    private mutating func makeDirectories(_ batch: inout Batch) -> [DirectoryIndex] {
        var directories: [DirectoryIndex] = [0]
        for _ in 0..<(1 + random.below(20)) {
            let parent = directories[random.below(directories.count)]
            directories.append(batch.internDirectory(parent, makeName()))
        }
        if random.chance(1, of: 2) {
            let unplaced = batch.paths.addUnplacedDirectory()
            directories.append(unplaced)
            directories.append(batch.internDirectory(unplaced, makeName()))
            if random.chance(1, of: 2) {
                let name = makeName()
                batch.paths.place(unplaced, parent: 0, name: name)
            }
        }
        return directories
    }

    private mutating func makeName() -> [UInt8] {
        let count = random.chance(1, of: 30) ? 255 : 1 + random.below(14)
        return (0..<count).map { _ in
            // Any byte may stand in a name but NUL and the slash.
            random.chance(1, of: 20) ? UInt8(0x80 + random.below(0x80)) : UInt8(ascii: "a") + UInt8(random.below(4))
        }
    }
}

extension Batch {
    mutating func internPath(_ directory: DirectoryIndex, _ name: [UInt8]) -> PathIndex {
        paths.internPath(directory: directory, name: name)
    }

    mutating func internDirectory(_ parent: DirectoryIndex, _ name: [UInt8]) -> DirectoryIndex {
        paths.internDirectory(parent: parent, name: name)
    }
}
