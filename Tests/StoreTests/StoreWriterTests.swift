import Block
import Model
import Schema
import Store
import Syscalls
import TestSupport
import Testing

@Suite struct StoreWriterTests {
    @Test func aNewStoreHasThePermissionsAndSettingsOfTheSpecification() throws {
        let scene = try StoreScene()
        let writer = try scene.writer()
        #expect(try scene.path.status().permissions == 0o750)
        for file in [scene.layout.database, scene.layout.wal, scene.layout.sharedMemory, scene.layout.alive] {
            #expect(try file.status().permissions == 0o640, "\(file.lossyText)")
        }
        #expect(writer.nextSequence == 1 && writer.nextInstance == 1)
        #expect(writer.previousRun == nil && writer.lastCommit == nil)
        let header = try Files.contents(of: scene.layout.database)
        #expect(Array(header[0..<15]) == Array("SQLite format 3".utf8))
        #expect(header[16] == 0x10 && header[17] == 0, "page size 4096")
        #expect(header[18] == 2 && header[19] == 2, "WAL mode")
        #expect(Array(header[60..<64]) == [0, 0, 0, 7], "user_version")
        #expect(Array(header[64..<68]) == [0, 0, 0, 1], "auto_vacuum=INCREMENTAL")
        #expect(Array(header[68..<72]) == Array("Varv".utf8), "application_id")
    }

    @Test func anEmptyStoreIsSmall() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        try writer.heartbeat(AliveFileTests.heartbeat)
        let running = writer.directoryByteCount()
        try writer.endRun(at: StoreScene.start)
        writer.close()
        let stopped = try scene.reader().totals().directoryByteCount
        print("empty store: \(running) bytes while running, \(stopped) after a clean stop")
        #expect(running <= 128 << 10)
        #expect(stopped <= 128 << 10)
    }

    @Test func sequencesGoOnAfterARestart() throws {
        let scene = try StoreScene()
        var factory = EventFactory()
        for round in 0..<3 {
            var writer = try scene.writer()
            #expect(writer.nextSequence == UInt64(round * 35 + 1))
            #expect(writer.nextInstance == UInt64(round * 5 + 1))
            try writer.fill(&factory, blockCount: 5, eventCount: 7)
        }
        let reader = try scene.reader()
        let blocks = try reader.blocks()
        #expect(blocks.map(\.firstSequence) == stride(from: 1, to: 106, by: 7).map { UInt64($0) })
        #expect(blocks.allSatisfy { $0.count == 7 && $0.level == 0 && $0.byteCount > 0 })
        #expect(try reader.lastSequence() == 105)
        #expect(try scene.writer().lastCommit == blocks.last?.latest)
    }

    @Test func aBlockThatDoesNotFollowIsRefused() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        var encoder = BlockEncoder(filterKey: writer.filterKey)
        let block = try encoder.encode(
            factory.batch(count: 3), firstSequence: 5, run: RunIdentity(run: 1, bootID: .zero), origin: writer.origin)
        let error = try StoreError.thrown { try writer.append(block, nextInstance: 2) }
        #expect(error?.code == .badBlock)
        #expect(writer.nextSequence == 1)
        try writer.fill(&factory, blockCount: 1, eventCount: 3)
        #expect(try scene.reader().lastSequence() == 3)
    }

    @Test func whatIsRecordedBesideEventsIsReadBack() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var coverage = Coverage(
            path: RawPath([0x2F, 0xFF]), filesystem: FilesystemID(rawValue: .max - 5), filesystemType: "ext4",
            mountPoint: RawPath("/"), from: StoreScene.start)
        let run = try writer.beginRun(StoreScene.run(), coverage: [coverage])
        #expect(run.run == 1)
        let later = StoreScene.start.advanced(byNanoseconds: 9)
        var more = coverage
        more.path = RawPath("/more")
        let open = Gap(
            kind: .notCovered, from: StoreScene.start, to: .distantFuture, count: nil, scope: RawPath("/new"), cause: ""
        )
        var change = CoverageChange()
        change.started = [more]
        change.gaps = [open]
        try writer.record(change)
        change = CoverageChange()
        change.ended = [.init(path: more.path, filesystem: more.filesystem, at: later)]
        change.endedGaps = [.init(scope: RawPath("/new"), at: later), .init(scope: RawPath("/other"), at: later)]
        try writer.record(change)
        var additions = Additions()
        let gap = Gap(
            kind: .queueOverflow, from: StoreScene.start, to: later, count: nil, scope: RawPath("/srv"), cause: "full")
        additions.gaps = [gap]
        additions.notes = [Note(moment: later, uid: 1_000, text: "añb\n"), Note(moment: later, uid: nil, text: "")]
        additions.clockSteps = [ClockStep(moment: later, stepNanoseconds: -3, monotonicNanoseconds: 4)]
        var factory = EventFactory()
        var encoder = BlockEncoder(filterKey: writer.filterKey)
        try writer.append(factory.batch(count: 2), with: &encoder, additions: additions)
        additions = Additions()
        additions.gaps = [Gap(kind: .unresolved, from: later, to: later, count: 3, scope: nil, cause: "gone")]
        try writer.append(additions)
        try writer.endRun(at: later)

        let reader = try scene.reader()
        coverage.run = 1
        coverage.id = 1
        var ended = more
        ended.run = 1
        ended.id = 2
        ended.to = later
        var bounded = open
        bounded.to = later
        #expect(try reader.coverage() == [coverage, ended])
        let gaps = try reader.gaps()
        #expect(gaps.map(\.gap) == [bounded, gap] + additions.gaps)
        #expect(gaps.map(\.afterSequence) == [0, 2, 2])
        #expect(gaps.map(\.run) == [1, 1, 1])
        #expect(try reader.gaps(from: later.advanced(byNanoseconds: 1), to: nil).isEmpty)
        #expect(try reader.gaps(from: nil, to: later).map(\.gap) == [bounded, gap])
        #expect(try reader.notes().map(\.text) == ["añb\n", ""])
        #expect(try reader.notes().map(\.uid) == [1_000, nil])
        #expect(try reader.clockSteps().map(\.stepNanoseconds) == [-3])
        var record = StoreScene.run()
        record.run = 1
        record.end = later
        #expect(try reader.runs() == [record])
    }

    @Test func aStoreOfTheFirstSchemaIsReadAndBroughtUpToDate() throws {
        let scene = try StoreScene()
        do {
            var writer = try scene.writer()
            _ = try writer.beginRun(StoreScene.run(), coverage: [])
        }
        let database = scene.directory.appending("store/varve.db")
        let newer = ["container_mount", "stream", "stream_path", "segment", "base_image", "capture_gap"]
        let drops =
            newer.map { "DROP TABLE \($0);" }.joined() + "ALTER TABLE run DROP COLUMN operations;"
            + "ALTER TABLE run DROP COLUMN exclusions;"
        try runSuccessfully("sqlite3", [database, drops + "PRAGMA user_version = 1"])
        #expect(try scene.reader().containerMounts() == [])
        #expect(try scene.reader().runs().count == 1)
        let mount = ContainerMount(
            container: RawPath("c"), hostPath: RawPath([0x2F, 0xFE]), containerPath: RawPath("/"), isOwn: true,
            seen: StoreScene.start)
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var change = CoverageChange()
        change.containerMounts = [mount]
        try writer.record(change)
        #expect(try scene.reader().containerMounts() == [mount])
        #expect(try scene.reader().runs().count == 2)
    }

    @Test func whatARunLeftOutIsKeptAsBytesAndNotKnownOfOlderRuns() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        for exclusions in [[], [[0x2A, 0x2E, 0xFF]], [Array("*.tmp".utf8), Array("/srv/a b".utf8)]] as [[[UInt8]]] {
            var run = StoreScene.run()
            run.exclusions = exclusions
            _ = try writer.beginRun(run, coverage: [])
            #expect(try scene.reader().runs().last?.exclusions == exclusions)
        }
        writer.close()
        let database = scene.directory.appending("store/varve.db")
        try runSuccessfully(
            "sqlite3",
            [
                database,
                "ALTER TABLE run DROP COLUMN exclusions; ALTER TABLE segment DROP COLUMN chain_hash; "
                    + "PRAGMA user_version = 5",
            ])
        #expect(try scene.reader().runs().map(\.exclusions) == [nil, nil, nil])
        var newer = try scene.writer(create: false)
        _ = try newer.beginRun(StoreScene.run(), coverage: [])
        #expect(try scene.reader().runs().map(\.exclusions) == [nil, nil, nil, nil])
    }

    @Test func aRunAfterAnUncleanEndStartsWithAGap() throws {
        let scene = try StoreScene()
        do {
            var writer = try scene.writer()
            #expect(writer.startupGap(bootID: StoreScene.bootID, now: StoreScene.start) == nil)
            _ = try writer.beginRun(StoreScene.run(), coverage: [])
            var factory = EventFactory()
            try writer.fill(&factory, blockCount: 3, eventCount: 4)
        }
        var writer = try scene.writer()
        let now = StoreScene.start.advanced(byNanoseconds: 60_000_000_000)
        let run = try writer.beginRun(StoreScene.run(started: now), coverage: [])
        #expect(run.run == 2)
        let gap = try #require(try scene.reader().gaps().first)
        #expect(gap.gap.kind == .recorderDown)
        #expect(gap.gap.from == StoreScene.start.advanced(byNanoseconds: 2_500_000_000))
        #expect(gap.gap.to == now)
        #expect(gap.run == 2 && gap.afterSequence == 12)
    }

    /// What a trickle of events costs: measured and printed, held to the budget of four frames a commit.
    @Test func aSmallCommitWritesFewFrames() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 50, eventCount: 20)
        let bytesBefore = try Self.frameByteCount(of: scene.layout.wal)
        try writer.fill(&factory, blockCount: 200, eventCount: 20)
        let frames = Double(try Self.frameByteCount(of: scene.layout.wal) - bytesBefore) / 4_120
        let bytes = try scene.reader().totals().blockByteCount / 250
        print("small commit: \(frames / 200) frames, block of \(bytes) bytes for 20 events")
        #expect(frames / 200 <= 4)
    }

    /// Bytes of the `-wal` up to the zeros it was made longer with: up to the last frame of the header's generation.
    static func frameByteCount(of wal: RawPath) throws -> Int {
        let bytes = try Files.contents(of: wal, limit: 64 << 20)
        let salts = bytes[16..<24]
        var end = 32
        while end + 24 <= bytes.count, bytes[end + 8..<end + 16].elementsEqual(salts) { end += 4_120 }
        return end
    }

    @Test func aQuietLogGrowsAheadOfItsFrames() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        var sizes: Set<Int64> = []
        for _ in 0..<60 {
            try writer.fill(&factory, blockCount: 1, eventCount: 5)
            sizes.insert(try scene.layout.wal.status().byteCount)
        }
        #expect(sizes.count <= 4, "it grew in \(sizes.count) steps")
        writer.close()
        // The zeros behind the last frame are no frame: after a crash all commits are found.
        try Files.unlink(scene.layout.sharedMemory)
        #expect(try scene.reader().lastSequence() == 300)
        #expect(try scene.writer().nextSequence == 301)
    }

    @Test func syncSucceedsAtAnyTime() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        try writer.sync()
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 1, eventCount: 1)
        try writer.sync()
        _ = try writer.checkpointIfDue()
        try writer.sync()
    }

    @Test func aSecondWriterLearnsWhoHoldsTheStore() async throws {
        let scene = try StoreScene()
        let writer = try scene.writer()
        let error = try StoreError.thrown { _ = try scene.writer() }
        guard case .heldByAnother(let pid) = try #require(error).code else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(pid == AliveFile.read(directory: scene.path).holderPID)
        #expect(try #require(error).description.contains("process \(try #require(pid))"))
        writer.close()
        _ = try scene.writer(create: false)
    }

    @Test func openingWithoutCreateMakesNothing() throws {
        let scene = try StoreScene()
        #expect(try StoreError.thrown { _ = try scene.writer(create: false) }?.code == .notAStore)
        #expect(!(try Files.names(in: RawPath(scene.directory.path)).contains(RawPath("store"))))
        try Files.makeDirectory(scene.path)
        #expect(try StoreError.thrown { _ = try scene.writer(create: false) }?.code == .notAStore)
        #expect(try Files.names(in: scene.path).isEmpty)
    }
}
