import Block
import Glibc
import Model
import Store
import Syscalls
import TestSupport
import Testing

@Suite struct StoreReaderTests {
    /// A stopped store with 40 events, of which the first half is in the database file.
    static func stopped(_ scene: borrowing StoreScene) throws {
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 2, eventCount: 10)
        try writer.compactAll()
        try writer.fill(&factory, blockCount: 2, eventCount: 10)
    }

    /// Reads everything in the way queries do.
    static func eventCount(_ reader: StoreReader) throws -> Int {
        var count = 0
        for row in try reader.blocks() {
            let bytes = try #require(try reader.blockBytes(firstSequence: row.firstSequence))
            count += try BlockReader(bytes).header.count
            _ = try reader.filter(firstSequence: row.firstSequence)
        }
        _ = try reader.gaps()
        _ = try reader.totals()
        return count
    }

    @Test func aBlockReadInStretchesIsTheBlock() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        // Large enough for chains of overflow pages.
        try writer.fill(&factory, blockCount: 1, eventCount: 3_000, nameByteCount: 40)
        let reader = try scene.reader()
        let whole = try #require(try reader.blockBytes(firstSequence: 1))
        let block = try #require(try reader.block(firstSequence: 1))
        #expect(block.byteCount == whole.count && whole.count > 50_000)
        for range in [0..<1, 5_000..<5_001, 4_000..<30_000, whole.count - 9..<whole.count, 0..<whole.count] {
            #expect(try block.bytes(range) == Array(whole[range]))
        }
        #expect(try reader.block(firstSequence: 2) == nil)
    }

    @Test func aBlockThatIsMergedWhileItIsReadIsGone() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 2, eventCount: 10)
        let reader = try scene.reader()
        let block = try #require(try reader.block(firstSequence: 1))
        let other = try #require(try reader.block(firstSequence: 11))
        try writer.compactAll()
        for block in [block, other] {
            let error = #expect(throws: BlockError.self) { _ = try block.bytes(0..<8) }
            #expect(error?.code == .gone)
            #expect(block.failure == nil)
        }
    }

    @Test func selectionsByTimeAndSequenceFindTheirBlocks() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 10, eventCount: 4)
        let reader = try scene.reader()
        #expect(reader.access == .sharedMemory)
        func second(_ number: Double) -> Instant {
            StoreScene.start.advanced(byNanoseconds: Int64(number * 1_000_000_000))
        }
        func firsts(_ from: Instant?, _ to: Instant?, _ after: UInt64? = nil) throws -> [UInt64] {
            try reader.blocks(from: from, to: to, afterSequence: after).map(\.firstSequence)
        }
        #expect(try firsts(second(7), nil) == [29, 33, 37])
        #expect(try firsts(second(7.5), second(8)) == [29], "the end of a window belongs to it")
        #expect(try firsts(nil, second(2)) == [1, 5])
        #expect(try firsts(nil, nil, 31) == [29, 33, 37])
        #expect(try firsts(nil, nil, 32) == [33, 37])
        #expect(try firsts(nil, nil, 0).count == 10)
        #expect(try firsts(nil, nil, 40).isEmpty)
        #expect(try firsts(nil, nil, .max).isEmpty)
        #expect(try firsts(second(1), second(9), 8) == [9, 13, 17, 21, 25, 29, 33])
        #expect(try reader.blockBytes(firstSequence: 2) == nil)
        let version = try reader.dataVersion()
        try writer.fill(&factory, blockCount: 1, eventCount: 1)
        #expect(try reader.dataVersion() != version)
    }

    @Test func aReaderSeesCommitsOfALiveWriterAtOnce() throws {
        let scene = try StoreScene()
        try scene.writer().close()
        // Opened anew with an empty -wal: the first commit must leave a read mark for readers of any permission.
        var writer = try scene.writer()
        var factory = EventFactory()
        let reader = try scene.reader()
        for round in 1...5 {
            try writer.fill(&factory, blockCount: 1, eventCount: 1)
            #expect(try reader.lastSequence() == UInt64(round))
            #expect(try scene.reader().lastSequence() == UInt64(round))
        }
    }

    @Test func readingAStoppedStoreChangesNothing() throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        let before = try BadStoreTests.contents(of: scene.path)
        let reader = try scene.reader()
        #expect(reader.access == .sharedMemory)
        #expect(try Self.eventCount(reader) == 40)
        #expect(try BadStoreTests.contents(of: scene.path) == before)
    }

    @Test func aCopyWithoutSharedMemoryIsReadAndNotTouched() throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        try Files.unlink(scene.layout.sharedMemory)
        let before = try BadStoreTests.contents(of: scene.path)
        do {
            let reader = try scene.reader()
            #expect(reader.access == .privateIndex)
            #expect(try Self.eventCount(reader) == 40)
        }
        #expect(try BadStoreTests.contents(of: scene.path) == before)
    }

    @Test(arguments: [true, false])
    func aCopyOfTheDatabaseAloneIsReadAndNotTouched(keepsEmptyWAL: Bool) throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        var writer = try scene.writer()
        try writer.compactAll()
        writer.close()
        try Files.unlink(scene.layout.sharedMemory)
        try Files.unlink(scene.layout.alive)
        if !keepsEmptyWAL { try Files.unlink(scene.layout.wal) }
        let before = try BadStoreTests.contents(of: scene.path)
        do {
            let reader = try scene.reader()
            #expect(reader.access == .databaseOnly)
            #expect(try Self.eventCount(reader) == 40)
        }
        #expect(try BadStoreTests.contents(of: scene.path) == before)
    }

    @Test(arguments: [true, false])
    func aWriterThatStartsWhileACopyIsReadIsNoticed(hasWAL: Bool) throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        if !hasWAL {
            var writer = try scene.writer()
            try writer.compactAll()
            writer.close()
            try Files.unlink(scene.layout.wal)
        }
        try Files.unlink(scene.layout.sharedMemory)
        let reader = try scene.reader()
        #expect(reader.access == (hasWAL ? .privateIndex : .databaseOnly))
        var factory = EventFactory(seed: 2)
        var writer = try scene.writer()
        try writer.fill(&factory, blockCount: 3, eventCount: 10)
        try writer.compactAll()
        #expect(try Self.eventCount(reader) == 70)
        #expect(reader.access == .sharedMemory)
    }

    @Test func theCommittedPartIsReadAfterKill() async throws {
        let scene = try StoreScene()
        let path = scene.path.lossyText
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            var writer = try StoreWriter(directory: RawPath(path), create: true)
            _ = try writer.beginRun(StoreScene.run(), coverage: [])
            var factory = EventFactory()
            try writer.fill(&factory, blockCount: 30, eventCount: 10)
            kill(getpid(), SIGKILL)
        }
        let before = try BadStoreTests.contents(of: scene.path)
        let reader = try scene.reader()
        #expect(try Self.eventCount(reader) == 300)
        #expect(try BadStoreTests.contents(of: scene.path) == before)
        // The reader that was there all the time sees what the next writer does, in another process as ever.
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            var writer = try StoreWriter(directory: RawPath(path), create: false)
            guard writer.nextSequence == 301, writer.previousRun?.end == nil else { exit(3) }
            var factory = EventFactory(seed: 2)
            try writer.fill(&factory, blockCount: 1, eventCount: 10)
            kill(getpid(), SIGKILL)
        }
        #expect(try Self.eventCount(reader) == 310)
    }

    @Test(Privilege.required, arguments: [true, false])
    func aMemberOfTheGroupReadsWithoutWritePermission(hasWriter: Bool) async throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        let group: UInt32 = 54_321
        for path in [
            scene.path, scene.layout.database, scene.layout.wal, scene.layout.sharedMemory, scene.layout.alive,
        ] {
            try Files.setOwner(path, uid: 0, gid: group)
        }
        let writer = hasWriter ? try scene.writer() : nil
        let before = try BadStoreTests.contents(of: scene.path)
        let path = scene.path.lossyText
        await #expect(processExitsWith: .success) { [path = path as String] in
            try becomeNobody(inGroup: 54_321)
            let reader = try StoreReader(directory: RawPath(path))
            guard try StoreReaderTests.eventCount(reader) == 40 else { exit(3) }
            guard (try? OwnedDescriptor.open(RawPath(path + "/varve.db"), flags: O_RDWR)) == nil else { exit(4) }
        }
        #expect(try BadStoreTests.contents(of: scene.path) == before)
        writer?.close()
    }

    @Test(Privilege.required)
    func aStrangerLearnsThatHeMayNotRead() async throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        let path = scene.path.lossyText
        await #expect(processExitsWith: .success) { [path = path as String] in
            try becomeNobody(inGroup: 65_534)
            let error = try StoreError.thrown { _ = try StoreReader(directory: RawPath(path)) }
            guard error?.code == .cannotRead, error?.description.contains(path) == true else { exit(3) }
        }
    }

    @Test(Privilege.required, arguments: [FilesystemKind.ext4, .tmpfs], [true, false])
    func aReadOnlyMountIsRead(kind: FilesystemKind, hasSharedMemory: Bool) throws {
        let scene = try StoreScene()
        try Self.stopped(scene)
        if !hasSharedMemory { try Files.unlink(scene.layout.sharedMemory) }
        let filesystem = try LoopFilesystem(kind)
        let copy = filesystem.appending("store")
        try runSuccessfully("cp", ["-a", scene.path.lossyText, copy])
        try runSuccessfully("mount", ["-o", "remount,ro", filesystem.path])
        let reader = try StoreReader(directory: RawPath(copy))
        #expect(reader.access == (hasSharedMemory ? .sharedMemory : .privateIndex))
        #expect(try Self.eventCount(reader) == 40)
        let error = try StoreError.thrown { _ = try StoreWriter(directory: RawPath(copy), create: true) }
        #expect(error?.code == .cannotWrite)
    }

    /// A container that sees the host's store through a read-only bind mount.
    @Test(Privilege.required)
    func aReadOnlyViewOfALiveStoreIsFollowed() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 2, eventCount: 10)
        let filesystem = try LoopFilesystem(.tmpfs)
        let view = filesystem.appending("view")
        try Files.makeDirectory(RawPath(view))
        try runSuccessfully("mount", ["--bind", "-o", "ro", scene.path.lossyText, view])
        let reader = try StoreReader(directory: RawPath(view))
        #expect(reader.access == .sharedMemory)
        #expect(try Self.eventCount(reader) == 20)
        try writer.compactAll()
        try writer.fill(&factory, blockCount: 2, eventCount: 10)
        #expect(try Self.eventCount(reader) == 40)
    }
}

/// Gives up root for nobody with one supplementary group; in a process of its own.
func becomeNobody(inGroup group: UInt32) throws {
    var groups = [group]
    // SAFETY: the kernel reads one group id from the array lent to it.
    guard unsafe setgroups(1, &groups) == 0, setgid(65_534) == 0, setuid(65_534) == 0 else { exit(2) }
}
