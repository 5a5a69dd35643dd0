import Model
import TestSupport
import Testing

@testable import Block

/// A merge takes about as much memory as it says beforehand.
@Suite struct MergeMemoryTests {
    /// What the events of a scene bring that takes memory.
    enum Scene: String, CaseIterable, Codable {
        /// Processes that were forked from one program, one in 16 of which executes another, and end.
        case forks
        /// Programs with command lines as compilers have them.
        case compilers
        /// A few processes that touch many files.
        case files
    }

    @Test(arguments: Scene.allCases) func aMergePeaksAtWhatItSaysBeforehand(scene: Scene) async {
        await #expect(processExitsWith: .success) { [scene = scene as Scene] in
            // The code of a merge is in memory from here on: how much of it the kernel maps at once is not the merge's.
            _ = try MergeMemoryTests.merge(try MergeMemoryTests.sources(scene, eventCount: 50))
            let sources = try MergeMemoryTests.sources(scene, eventCount: scene == .compilers ? 2_000 : 5_000)
            let start = try ResidentMemory.beginPeak()
            let said = try MergeMemoryTests.merge(sources)
            let taken = try ResidentMemory.peakByteCount() - start
            #expect(taken <= said + said / 4, "\(taken) of \(said) bytes")
            // A compressor takes what is said of it only for contents larger than these.
            let certain = said - Compressor.greatestByteCount(level: 9)
            #expect(taken >= certain / 3, "\(taken) of \(said) bytes")
        }
    }

    /// Merges, finishes and verifies; returns what the merger said before the last source.
    private static func merge(_ sources: [[UInt8]]) throws -> Int {
        var merger = BlockMerger(filterKey: Samples.key)
        var said = 0
        for bytes in sources {
            let source = try BlockReader(bytes)
            said = try merger.memoryByteCount(appending: source)
            try merger.append(source)
        }
        let merged = try merger.finish()
        merger = BlockMerger(filterKey: Samples.key)
        try BlockReader(merged.bytes).verify()
        return said
    }

    /// Four blocks of so many events each.
    private static func sources(_ scene: Scene, eventCount: Int) throws -> [[UInt8]] {
        var encoder = BlockEncoder(filterKey: Samples.key)
        var sequence: UInt64 = 1
        return try (0..<4).map { number in
            let block = try encoder.encode(
                batch(scene, number, eventCount: eventCount), firstSequence: sequence, run: Samples.run,
                origin: Samples.origin)
            sequence = block.endSequence
            return block.bytes
        }
    }

    private static func batch(_ scene: Scene, _ number: Int, eventCount: Int) -> Batch {
        var batch = Batch()
        let time = Instant(nanosecondsSinceEpoch: 1_700_000_000_000_000_000 + Int64(number) * 1_000_000_000)
        batch.windows.append(TimeWindow(earliest: time, time: time, clockOffsetNanoseconds: 0))
        for index in 0..<eventCount {
            let serial = number * eventCount + index
            if batch.processes.isEmpty || scene != .files { batch.processes.append(process(scene, serial, time)) }
            let name: [UInt8] =
                switch scene {
                case .compilers: Array("object\(index % 20).o".utf8)
                case .forks: Array("\(serial)-\(serial % 30_000)".utf8)
                case .files: Array("a file with a rather long name and a number \(serial &* 7_919)".utf8)
                }
            batch.append(
                window: 0, process: UInt32(batch.processes.count - 1), path: batch.internPath(0, name), target: .absent,
                object: FileIdentity(
                    filesystem: FilesystemID(rawValue: 1), inode: UInt64(1_000 + serial), generation: 1),
                mask: [.create, .closeWrite], flags: [])
            if scene == .forks {
                batch.facts.append(ProcessFact(instance: UInt64(serial), kind: .exited, moment: time))
            }
        }
        return batch
    }

    private static func process(_ scene: Scene, _ serial: Int, _ time: Instant) -> ActorProcess {
        var process = ActorProcess(
            instance: UInt64(serial), pid: Int32(serial % 30_000), firstSeen: time)
        process.start = time
        process.parentPID = 77
        process.parentInstance = 1
        process.uid = 0
        process.exe = RawPath("/usr/local/bin/worker")
        process.comm = RawPath("worker")
        process.controlGroup = RawPath("/system.slice/worker.service")
        process.exeSource = .inherited
        switch scene {
        case .compilers:
            let options = (0..<40).map { "-I/usr/include/part\($0 * 31 % 97)" }.joined(separator: " ")
            process.commandLine = RawPath("cc -O2 \(options) -c source\(serial).c -o object\(serial).o")
        case .forks where serial % 16 == 0:
            process.commandLine = RawPath("worker-child /srv/storm \(serial % 64) \(serial)")
        case .forks, .files:
            process.commandLine = RawPath("worker /srv/storm 2000 600 64 16")
        }
        return process
    }
}
