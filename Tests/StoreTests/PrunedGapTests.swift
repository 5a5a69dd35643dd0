import Block
import Model
import Store
import TestSupport
import Testing

/// The row that stands for what was pruned swallows no loss that reaches beyond it.
@Suite struct PrunedGapTests {
    private static func second(_ number: Double) -> Instant {
        StoreScene.start.advanced(byNanoseconds: Int64(number * 1e9))
    }

    private static func gap(_ kind: Gap.Kind, _ from: Double, _ to: Double, _ cause: String) -> Gap {
        Gap(kind: kind, from: second(from), to: second(to), count: nil, scope: nil, cause: cause)
    }

    private static func append(
        _ gaps: [Gap], _ writer: inout StoreWriter, _ factory: inout EventFactory
    ) throws {
        var additions = Additions()
        additions.gaps = gaps
        var encoder = BlockEncoder(filterKey: writer.filterKey)
        try writer.append(factory.batch(count: 3), with: &encoder, additions: additions)
    }

    @Test func aGapThatReachesBeyondWhatWasPrunedStays() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        var factory = EventFactory()
        // Blocks of half a second each, at second 0, 1, 2 …; the clock was set back after a run that was killed, so its gap
        // has no length and stands where the newest event from before ends.
        try Self.append([], &writer, &factory)
        try Self.append(
            [
                Self.gap(.recorderDown, 0.5, 1, "within"), Self.gap(.recorderDown, 2.5, 2.5, "at the end"),
                Self.gap(.queueOverflow, 1, 3, "beyond"), Self.gap(.queueOverflow, -1, 1, "from before"),
            ], &writer, &factory)
        for _ in 0..<3 { try Self.append([], &writer, &factory) }
        _ = try writer.prune(before: Self.second(3), cause: "by hand")
        let gaps = try scene.reader().gaps().map(\.gap)
        #expect(Set(gaps.map(\.cause)) == ["by hand, covers recorder_down", "at the end", "beyond", "from before"])
        // Once the row reaches beyond them as well they go with what is pruned.
        _ = try writer.prune(before: Self.second(4), cause: "by hand")
        let later = try scene.reader().gaps().map(\.gap)
        #expect(
            Set(later.map(\.cause)) == ["by hand, covers recorder_down, covers queue_overflow", "from before"])
        #expect(later.first { $0.kind == .pruned }?.count == 12)
    }

    /// A state of a database is that of its last commit only where nothing was lost since, whenever that was.
    @Test func whatADatabaseLostStaysWhileAnOlderStateIsKept() throws {
        let scene = try StoreScene()
        _ = try SegmentStoreTests.fill(scene, segments: 1)
        var writer = try scene.writer(create: false)
        var factory = EventFactory()
        try Self.append([], &writer, &factory)
        try Self.append([Self.gap(.walMissed, 0.5, 1, "lost")], &writer, &factory)
        for _ in 0..<3 { try Self.append([], &writer, &factory) }
        _ = try writer.prune(before: Self.second(3), cause: "by hand")
        #expect(try scene.reader().gaps().map(\.gap.cause).sorted() == ["by hand", "lost"])
        // The oldest state that is kept is newer than the loss.
        var additions = Additions()
        additions.capture.bases = [
            try MadeStream.base(SegmentFiles(store: scene.path), SegmentStoreTests.uuid, commit: 2).0
        ]
        try writer.append(additions)
        let limits = RetentionLimits(maxAgeNanoseconds: 0)
        #expect(try writer.enforce(limits, now: Self.second(3.2)).byteCount > 0)
        _ = try writer.prune(before: Self.second(5), cause: "by hand")
        let causes = try scene.reader().gaps().map(\.gap.cause)
        #expect(causes.count == 1 && causes[0].contains("covers wal_missed"), "\(causes)")
    }
}
