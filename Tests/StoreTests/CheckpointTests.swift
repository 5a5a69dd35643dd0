import Block
import Model
import Store
import Synchronization
import Syscalls
import TestSupport
import Testing

@Suite struct CheckpointTests {
    @Test func theLogIsWorkedThroughAndUsedAgain() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        var outcomes: [CheckpointOutcome] = []
        var largest: Int64 = 0
        for _ in 0..<300 {
            try writer.fill(&factory, blockCount: 1, eventCount: 100, nameByteCount: 800)
            outcomes.append(try writer.checkpointIfDue())
            largest = max(largest, try scene.layout.wal.status().byteCount)
        }
        #expect(outcomes.count { $0 == .complete } >= 3)
        #expect(outcomes.contains(.notDue))
        #expect(largest < 6 << 20)
    }

    /// Readers that never leave a moment without a reader, against a writer that writes as fast as it can.
    @Test func theLogStaysSmallWithReadersAtAllTimes() async throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 1, eventCount: 10)
        let path = scene.path
        let flag = Flag()
        let largest = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let reader = try StoreReader(directory: path)
                    while !flag.isSet.load(ordering: .relaxed) {
                        _ = try reader.blocks()
                        _ = try reader.totals()
                    }
                    return 0
                }
            }
            var largest: Int64 = 0
            for _ in 0..<400 {
                try writer.fill(&factory, blockCount: 1, eventCount: 100, nameByteCount: 800)
                _ = try writer.checkpointIfDue()
                largest = max(largest, try scene.layout.wal.status().byteCount)
            }
            flag.isSet.store(true, ordering: .relaxed)
            for try await _ in group {}
            return largest
        }
        print("largest -wal with two readers at all times: \(largest) bytes")
        #expect(largest <= 64 << 20)
    }

    @Test(Privilege.required, arguments: [FilesystemKind.tmpfs, .ext4])
    func aFullDiskCostsNothingThatWasStored(kind: FilesystemKind) throws {
        let filesystem = try LoopFilesystem(kind, mebibytes: kind == .tmpfs ? 6 : 16)
        let path = RawPath(filesystem.appending("store"))
        let ballast = RawPath(filesystem.appending("ballast"))
        try Files.write(Array(repeating: 7, count: 2 << 20), to: ballast)
        var writer = try StoreWriter(directory: path, create: true)
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        var error: StoreError?
        while error == nil {
            error = try StoreError.thrown {
                try writer.fill(&factory, blockCount: 1, eventCount: 100, nameByteCount: 800)
                _ = try writer.checkpointIfDue()
            }
        }
        #expect(error?.code == .diskFull, "\(String(describing: error))")
        let stored = writer.nextSequence
        for _ in 0..<5 {
            let again = try StoreError.thrown {
                try writer.fill(&factory, blockCount: 4, eventCount: 100, nameByteCount: 800)
            }
            #expect(again == nil || again?.code == .diskFull)
        }
        let kept = writer.nextSequence
        #expect(kept >= stored)
        #expect(try CompactionTests.dump(try StoreReader(directory: path)).events.count == Int(kept) - 1)
        // Space returns, and recording goes on.
        try Files.unlink(ballast)
        try writer.fill(&factory, blockCount: 3, eventCount: 100)
        #expect(writer.nextSequence == kept + 300)
        writer.close()
        let check = try runSuccessfully("sqlite3", [path.lossyText + "/varve.db", "PRAGMA integrity_check"])
        #expect(check.lines == ["ok"])
        #expect(try StoreWriter(directory: path, create: false).nextSequence == kept + 300)
    }
}

/// A switch that tasks share.
private final class Flag: Sendable {
    let isSet = Atomic(false)
}
