import Block
import Model
import Store
import Syscalls
import TestSupport
import Testing

@Suite struct RetentionTests {
    @Test func whatIsTooOldIsPrunedAndCounted() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 100, eventCount: 3)
        func second(_ number: Int64) -> Instant { StoreScene.start.advanced(byNanoseconds: number * 1_000_000_000) }
        let limits = RetentionLimits(maxAgeNanoseconds: 50_000_000_000)
        #expect(try writer.enforce(limits, now: second(40)) == PruneOutcome())
        let first = try writer.enforce(limits, now: second(60))
        #expect(first.blockCount == 10 && first.eventCount == 30)
        let second2 = try writer.enforce(limits, now: second(140))
        #expect(second2.blockCount == 80, "more than one transaction takes")
        let reader = try scene.reader()
        #expect(try reader.blocks().first?.firstSequence == 271)
        let gaps = try reader.gaps()
        #expect(gaps.count == 1, "adjacent prunings are one row")
        let gap = try #require(gaps.first)
        #expect(gap.gap.kind == .pruned && gap.gap.count == 270 && gap.gap.cause == "max-age")
        #expect(gap.gap.from == second(0))
        #expect(gap.gap.to == second(89).advanced(byNanoseconds: 500_000_000))
        #expect(gap.afterSequence == 270)
    }

    @Test func whereAContainerSawWhatGoesWithItsLastEvent() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        func second(_ number: Int64) -> Instant { StoreScene.start.advanced(byNanoseconds: number * 1_000_000_000) }
        func layer(_ name: String) -> RawPath { RawPath(scene.directory.appending(name)) }
        var change = CoverageChange()
        for name in ["lives", "goes"] {
            try Files.makeDirectory(layer(name))
            for (path, isOwn) in [(layer(name), true), (RawPath("/base"), false)] {
                change.containerMounts.append(
                    ContainerMount(
                        container: RawPath(name), hostPath: path, containerPath: RawPath("/"), isOwn: isOwn,
                        seen: second(0)))
            }
        }
        // A container of which no layer is known is not known to be gone.
        change.containerMounts.append(
            ContainerMount(
                container: RawPath("volumes"), hostPath: RawPath("/absent"), containerPath: RawPath("/v"), isOwn: false,
                seen: second(0)))
        try writer.record(change)
        try writer.fill(&factory, blockCount: 400, eventCount: 1)
        func known() throws -> [String] { try scene.reader().containerMounts().map(\.container.lossyText) }
        func hold(_ age: Int64, at moment: Int64) throws {
            _ = try writer.enforce(RetentionLimits(maxAgeNanoseconds: age * 1_000_000_000), now: second(moment))
        }
        let all = ["lives", "lives", "goes", "goes", "volumes"]
        try hold(400, at: 10)
        try Files.removeDirectory(layer("goes"))
        try hold(400, at: 100)
        #expect(try known() == all, "events from before it was gone are kept")
        try hold(110, at: 200)
        #expect(try known() == all, "the oldest that is kept is of second 90, when it may have been there")
        try hold(150, at: 300)
        #expect(try known() == ["lives", "lives", "volumes"])
    }

    @Test func pruningEverythingKeepsTheNumbers() throws {
        let scene = try StoreScene()
        var factory = EventFactory()
        do {
            var writer = try scene.writer()
            try writer.fill(&factory, blockCount: 10, eventCount: 3)
            let outcome = try writer.prune(before: .distantFuture, cause: "by hand")
            #expect(outcome.eventCount == 30)
            #expect(try scene.reader().totals().sequences == nil)
            #expect(try scene.reader().lastSequence() == 30)
        }
        var writer = try scene.writer()
        #expect(writer.nextSequence == 31 && writer.nextInstance == 11)
        try writer.fill(&factory, blockCount: 1, eventCount: 3)
        #expect(try scene.reader().blocks().map(\.firstSequence) == [31])
        _ = try writer.enforce(RetentionLimits(maxAgeNanoseconds: 0), now: .distantFuture)
        let gaps = try scene.reader().gaps()
        #expect(gaps.map(\.gap.cause) == ["by hand, max-age"])
        #expect(gaps.map(\.gap.count) == [33])
    }

    /// What `du` says stays below the limit all the time, while recording, merging and checkpointing go on.
    @Test(arguments: [RetentionLimits.leastMaxByteCount >> 20, 2, 3, 6])
    func theSizeLimitHoldsWhileRecording(mebibytes: UInt64) throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        let limits = RetentionLimits(maxByteCount: mebibytes << 20)
        var highest: UInt64 = 0
        var pruned: UInt64 = 0
        let path = scene.path
        for _ in 0..<(30 * mebibytes) {
            // About 50 kB a call: a rate of 50 kB/s with a call a second.
            try writer.fill(&factory, blockCount: 1, eventCount: 100, nameByteCount: 800)
            _ = try writer.checkpointIfDue()
            highest = max(highest, writer.directoryByteCount())
            while try writer.compactStep() != .idle { _ = try writer.checkpointIfDue() }
            highest = max(highest, writer.directoryByteCount())
            pruned += try writer.enforce(limits, now: StoreScene.start).eventCount
            highest = max(highest, writer.directoryByteCount())
        }
        let totals = try StoreReader(directory: path).totals()
        print("limit \(mebibytes) MiB: highest \(highest) bytes, \(totals.blockByteCount) bytes of blocks kept")
        #expect(highest <= mebibytes << 20)
        #expect(pruned > 0)
        // Of less, what is the same in every store takes the larger part.
        if mebibytes > 2 { #expect(totals.blockByteCount > (mebibytes << 20) / 2, "the limit is also used") }
        #expect(totals.blockByteCount > 0)
        #expect(totals.eventCount + pruned == 30 * mebibytes * 100)
        let du = try runSuccessfully("du", ["-s", "--block-size=1", path.lossyText])
        #expect(du.outputText.split(separator: "\t").first.flatMap { UInt64($0) } == totals.directoryByteCount)
    }

    @Test(Privilege.required)
    func aSmallStoreIsNotCutDownForAFilesystemThatOthersFill() throws {
        let filesystem = try LoopFilesystem(.tmpfs, mebibytes: 16)
        let path = RawPath(filesystem.appending("store"))
        var writer = try StoreWriter(directory: path, create: true)
        var factory = EventFactory()
        for _ in 0..<20 {
            try writer.fill(&factory, blockCount: 1, eventCount: 10)
            let outcome = try writer.enforce(RetentionLimits(minFreeByteCount: 1 << 30), now: StoreScene.start)
            #expect(outcome == PruneOutcome())
        }
        #expect(try StoreLayout(directory: path).wal.status().byteCount > 0, "nor is the -wal cut each time")
    }

    @Test func aStoreThatIsTooLargeIsCutDown() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 150, eventCount: 100, nameByteCount: 800)
        #expect(writer.directoryByteCount() > 6 << 20)
        let limits = RetentionLimits(maxByteCount: 3 << 20)
        _ = try writer.enforce(limits, now: StoreScene.start)
        #expect(writer.directoryByteCount() <= 3 << 20)
        #expect(try scene.reader().lastSequence() == 15_000)
        #expect(try scene.reader().totals().eventCount > 2_000)
    }

    @Test(Privilege.required)
    func theFilesystemKeepsWhatMustStayFree() throws {
        let filesystem = try LoopFilesystem(.tmpfs, mebibytes: 16)
        let path = RawPath(filesystem.appending("store"))
        var writer = try StoreWriter(directory: path, create: true)
        var factory = EventFactory()
        try writer.fill(&factory, blockCount: 100, eventCount: 100, nameByteCount: 800)
        #expect(try path.filesystemStatus().availableByteCount < 12 << 20)
        let outcome = try writer.enforce(RetentionLimits(minFreeByteCount: 12 << 20), now: StoreScene.start)
        #expect(outcome.blockCount > 0)
        #expect(try path.filesystemStatus().availableByteCount >= 12 << 20)
        #expect(try StoreReader(directory: path).gaps().first?.gap.cause == "min-free")
    }

    @Test func whatStoodBetweenPrunedEventsGoesWithThem() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        func second(_ number: Int64) -> Instant { StoreScene.start.advanced(byNanoseconds: number * 1_000_000_000) }
        for block in 0..<10 as Range<Int64> {
            var additions = Additions()
            additions.notes = [Note(moment: second(block), uid: 0, text: "note \(block)")]
            additions.gaps = [
                Gap(
                    kind: .unresolved, from: second(block), to: second(block), count: 1, scope: nil,
                    cause: "gap \(block)")
            ]
            var encoder = BlockEncoder(filterKey: writer.filterKey)
            try writer.append(factory.batch(count: 3), with: &encoder, additions: additions)
        }
        _ = try writer.prune(before: second(5), cause: "by hand")
        let reader = try scene.reader()
        let kept = try reader.blocks().count
        #expect(kept == 5)
        let notes = try reader.notes().map(\.text)
        #expect(notes.last == "note 9" && notes.count <= kept + 1, "\(notes)")
        let causes = try reader.gaps().map(\.gap.cause)
        #expect(causes.contains("by hand, covers unresolved") && causes.contains("gap 9"), "\(causes)")
        #expect(!causes.contains("gap 0"), "\(causes)")
    }

    @Test func notesAloneAreHeldWithinTheLimitsToo() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let text = String(repeating: "remark ", count: 1_000)
        var highest: UInt64 = 0
        for number in 0..<1_500 as Range<Int64> {
            var additions = Additions()
            additions.notes = [
                Note(moment: StoreScene.start.advanced(byNanoseconds: number * 1_000_000_000), uid: 0, text: text)
            ]
            try writer.append(additions)
            _ = try writer.checkpointIfDue()
            _ = try writer.enforce(RetentionLimits(maxByteCount: 3 << 20), now: StoreScene.start)
            highest = max(highest, writer.directoryByteCount())
        }
        #expect(highest <= 3 << 20)
        let kept = try scene.reader().notes().count
        #expect(kept > 50 && kept < 1_500)
        _ = try writer.enforce(RetentionLimits(maxAgeNanoseconds: 1), now: .distantFuture)
        #expect(try scene.reader().notes().isEmpty)
    }
}
