import Block
import Model
import Store
import Syscalls
import TestSupport
import Testing

@Suite struct CompactionTests {
    /// Every event of a store as one line, in `seq` order, with the commits' records.
    static func dump(_ reader: StoreReader) throws -> (events: [String], commits: [CommitRecord]) {
        var lines: [String] = []
        var commits: [CommitRecord] = []
        var next: UInt64?
        for row in try reader.blocks() {
            #expect(next == nil || next == row.firstSequence, "contiguous")
            next = row.endSequence
            let block = try BlockReader(try #require(try reader.blockBytes(firstSequence: row.firstSequence)))
            try block.verify()
            commits += try block.commits()
            let paths = try block.pathDictionary()
            let processes = try block.processes()
            for group in block.header.rowGroups.indices {
                let path = try block.column(.path, rowGroup: group)
                let mask = try block.column(.mask, rowGroup: group)
                let process = try block.column(.process, rowGroup: group)
                let windows = try block.windows(of: group).expanded
                let objects = try block.objects(rowGroup: group)
                for index in path.indices {
                    var name: [UInt8] = []
                    paths.appendPath(path[index], to: &name)
                    lines.append(
                        "\(lines.count + 1) \(RawPath(name).lossyText) \(mask[index]) "
                            + "\(processes[Int(process[index])].instance) \(windows[index]) "
                            + "\(String(describing: objects[index]))")
                }
            }
        }
        return (lines, commits)
    }

    @Test func compactingChangesNothingThatIsSaid() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory(seed: 3)
        try writer.fill(&factory, blockCount: 60, eventCount: 50, nameByteCount: 3)
        let before = try Self.dump(try scene.reader())
        let instance = writer.nextInstance
        try writer.compactAll()
        let reader = try scene.reader()
        let rows = try reader.blocks()
        #expect(rows.map(\.level) == [2])
        #expect(rows.map(\.count) == [3_000])
        #expect(rows[0].filterByteCount > 0 || rows[0].byteCount < 16_384)
        let after = try Self.dump(reader)
        #expect(after.events == before.events)
        #expect(after.commits == before.commits)
        let totals = try reader.totals()
        #expect(totals.freePageCount == 0 && totals.walByteCount == 0)
        // A second time there is nothing to do.
        try writer.compactAll()
        #expect(try reader.blocks() == rows)
        writer.close()
        let reopened = try scene.writer()
        #expect(reopened.nextSequence == 3_001 && reopened.nextInstance == instance)
    }

    @Test func aBlockThatSomebodyDeletedIsNotWaitedFor() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory(seed: 8)
        try writer.fill(&factory, blockCount: 300, eventCount: 5)
        try BadStoreTests.sqlite(scene, "DELETE FROM block WHERE first_seq = 51")
        var failureCount = 0
        var stepCount = 0
        while stepCount < 10_000, writer.isCompactionDue {
            stepCount += 1
            if (try? writer.compactStep(budgetNanoseconds: 0)) == nil { failureCount += 1 }
        }
        #expect(failureCount == 1)
        #expect(stepCount < 10_000)
        #expect(try scene.reader().blocks().last?.count == 1_445)
    }

    @Test func smallCommitsAreMergedInSlicesInTheBackground() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory(seed: 4)
        #expect(writer.isCompactionDue == false)
        #expect(try writer.compactStep() == .idle)
        try writer.fill(&factory, blockCount: 300, eventCount: 5)
        #expect(writer.isCompactionDue == true)
        let before = try Self.dump(try scene.reader())
        var slices = 0
        // With no budget a slice is one step: commits go on between them.
        while try writer.compactStep(budgetNanoseconds: 0) != .idle {
            slices += 1
            if slices % 20 == 0, slices < 200 { try writer.fill(&factory, blockCount: 1, eventCount: 1) }
        }
        #expect(slices > 100)
        let rows = try scene.reader().blocks()
        #expect(rows.first?.level == 1 && rows.first?.count == 1_500)
        let after = try Self.dump(try scene.reader())
        #expect(Array(after.events.prefix(1_500)) == before.events)
        #expect(Array(after.commits.prefix(300)) == before.commits)
    }

    @Test func aMergeOfTooManyNamesEndsEarlyAndTheNextGoesOn() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory(seed: 9)
        // 40 MB of names that are all different.
        try writer.fill(&factory, blockCount: 40, eventCount: 250, nameByteCount: 4_000)
        try writer.compactAll()
        let rows = try scene.reader().blocks()
        #expect(rows.count > 1)
        #expect(rows.dropLast().allSatisfy { $0.level == CompactionPolicy.closedSegmentLevel })
        #expect(rows.last?.level == 2)
        #expect(rows.reduce(0) { $0 + $1.count } == 10_000)
        for row in rows {
            let bytes = try #require(try scene.reader().blockBytes(firstSequence: row.firstSequence))
            try BlockReader(bytes).verify()
        }
        try writer.compactAll()
        #expect(try scene.reader().blocks() == rows)
    }

    @Test func aMergeBelowASegmentThatEndsEarlyStillGoesIntoOne() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory(seed: 10)
        // 26 MB of names that are all different, in as many blocks as are merged in the background.
        try writer.fill(&factory, blockCount: 130, eventCount: 50, nameByteCount: 4_000)
        while try writer.compactStep() != .idle {}
        let rows = try scene.reader().blocks()
        #expect(rows.first?.level == 1)
        #expect(try #require(rows.first).count > 50)
        #expect(rows.dropFirst().allSatisfy { $0.level == 0 } && rows.count > 1)
        try BlockReader(#require(try scene.reader().blockBytes(firstSequence: 1))).verify()
    }

    @Test func aDamagedBlockIsReportedAndLeftAlone() throws {
        let scene = try StoreScene()
        var factory = EventFactory(seed: 5)
        do {
            var writer = try scene.writer()
            try writer.fill(&factory, blockCount: 10, eventCount: 5)
        }
        try BadStoreTests.sqlite(scene, "UPDATE block SET data = zeroblob(length(data)) WHERE first_seq = 21")
        var writer = try scene.writer()
        let error = try StoreError.thrown { try writer.compactAll() }
        #expect(error?.code == .badBlock)
        #expect(try #require(error).description.contains("seq 21"))
        #expect(try scene.reader().blocks().map(\.firstSequence) == [1, 21, 26])
        #expect(writer.isFullCompactionRunning == false)
        try writer.fill(&factory, blockCount: 1, eventCount: 5)
        #expect(try scene.reader().lastSequence() == 55)
    }

    @Test func aBlockWithAForgedHashDoesNotReplaceAnything() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory(seed: 6)
        try writer.fill(&factory, blockCount: 4, eventCount: 5)
        writer.close()
        // The third block's bytes in the place of the second: it decodes, and holds other events than its row says.
        try BadStoreTests.sqlite(
            scene, "UPDATE block SET data = (SELECT data FROM block WHERE first_seq = 11) WHERE first_seq = 6")
        var again = try scene.writer()
        #expect(try StoreError.thrown { try again.compactAll() }?.code == .badBlock)
        #expect(try scene.reader().blocks().map(\.firstSequence).contains(6))
    }

    @Test func aKillInTheMiddleOfAMergeLosesNothing() async throws {
        for steps in [0, 3, 200, 259, 260, 261, 262, 263, 264, 265] {
            let scene = try StoreScene()
            let path = scene.path.lossyText
            await #expect(processExitsWith: .success) { [path = path as String, steps = steps as Int] in
                var writer = try StoreWriter(directory: RawPath(path), create: true)
                var factory = EventFactory(seed: 7)
                try writer.fill(&factory, blockCount: 130, eventCount: 2)
                for _ in 0..<steps { _ = try writer.compactStep(budgetNanoseconds: 0) }
                // Leaves without a word, as a kill would.
                leaveAtOnce()
            }
            let reader = try scene.reader()
            #expect(try Self.dump(reader).events.count == 260)
            let writer = try scene.writer()
            #expect(writer.nextSequence == 261)
        }
    }

    @Test func readersGoOnBySequenceWhileBlocksAreMerged() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory(seed: 8)
        try writer.fill(&factory, blockCount: 20, eventCount: 5)
        let reader = try scene.reader()
        var seen: UInt64 = 0
        var rows = try reader.blocks()
        var merged = false
        while !rows.isEmpty {
            let row = rows.removeFirst()
            if let bytes = try reader.blockBytes(firstSequence: row.firstSequence) {
                let header = try BlockReader(bytes).header
                #expect(header.firstSequence <= seen + 1)
                seen = max(seen, header.endSequence - 1)
            } else {
                rows = try reader.blocks(afterSequence: seen)
            }
            if seen == 35, !merged {
                merged = true
                try writer.compactAll()
            }
        }
        #expect(seen == 100)
    }
}
