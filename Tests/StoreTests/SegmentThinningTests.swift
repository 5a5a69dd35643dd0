import Model
import Segment
import Syscalls
import TestSupport
import Testing

@testable import Store

/// Where there is no room for all of a database's history, its oldest part loses detail first.
@Suite struct SegmentThinningTests {
    private static let uuid = SegmentStoreTests.uuid
    private static let images: [UInt64] = [8, 16, 24, 32]

    /// Commits 1 to 40 in segments of two, and whole base images among them.
    private static func fill(_ scene: borrowing StoreScene) throws {
        _ = try SegmentStoreTests.fill(scene, segments: 20)
        var writer = try scene.writer(create: false)
        var additions = Additions()
        for commit in images {
            additions.capture.bases.append(try MadeStream.base(SegmentFiles(store: scene.path), uuid, commit: commit).0)
        }
        // Something was missed as well, behind the last commit.
        additions.capture.gaps = [
            CaptureGapRow(
                stream: uuid,
                gap: CaptureGap(
                    first: 41, last: 41, missedCount: nil, low: MadeStream.moment(41), high: MadeStream.moment(42),
                    cause: .wrapped))
        ]
        try writer.append(additions)
        try writer.sync()
    }

    /// Whatever goes, each number is in a segment or in one gap, and from the newest image on nothing is touched.
    @Test func everyStepLeavesEachNumberAccountedForOnce() throws {
        let scene = try StoreScene()
        try Self.fill(scene)
        var writer = try scene.writer(create: false)
        let reader = try scene.reader()
        let now = MadeStream.moment(60)
        var steps = 0
        var newestGone: UInt64 = 0
        var sawStates = false
        while let byteCount = try writer.thinSegments(now: now) {
            steps += 1
            try #require(byteCount > 0 && steps < 20)
            let segments = try reader.segments(of: Self.uuid)
            let gaps = try reader.captureGaps(of: Self.uuid).sorted { $0.first < $1.first }
            let bases = try reader.baseImages(of: Self.uuid).map(\.commit)
            var numbers: [UInt64] = []
            for segment in segments { numbers += segment.firstCommit...segment.lastCommit }
            for gap in gaps { numbers += gap.first...gap.last }
            #expect(numbers.sorted() == Array(1...41))
            #expect(numbers.suffix(1) == [41] && segments.suffix(4).map(\.firstCommit) == [33, 35, 37, 39])
            #expect(bases.last == 32)
            let pruned = gaps.filter { $0.cause == .pruned }
            #expect(gaps.count == pruned.count + 1 && pruned.allSatisfy { $0.missedCount == $0.last - $0.first + 1 })
            // From the oldest on: a state stands at the end of each gap, and no commit before one.
            let gone = try #require(pruned.last?.last)
            #expect(gone >= newestGone && pruned.allSatisfy { bases.contains($0.last) })
            #expect(segments.first.map { $0.firstCommit == gone + 1 } ?? false)
            newestGone = gone
            if bases.count(where: { $0 < gone }) > 0 { sawStates = true }
            let names = try Files.names(in: SegmentFiles(store: scene.path).directory(of: Self.uuid))
            #expect(names.count == segments.count + bases.count)
        }
        #expect(sawStates, "for a while there were single states of a time")
        #expect(try reader.baseImages(of: Self.uuid).map(\.commit) == [32])
        let gap = try #require(try reader.captureGaps(of: Self.uuid).first { $0.cause == .pruned })
        #expect(gap.first == 1 && gap.last == 32 && gap.missedCount == 32)
    }

    @Test func olderStatesAreFewer() throws {
        let scene = try StoreScene()
        _ = try SegmentStoreTests.fill(scene, segments: 64)
        var writer = try scene.writer(create: false)
        let reader = try scene.reader()
        var additions = Additions()
        for commit in stride(from: 4, through: 124, by: 4) as StrideThrough<UInt64> {
            additions.capture.bases.append(
                try MadeStream.base(SegmentFiles(store: scene.path), Self.uuid, commit: commit).0)
        }
        try writer.append(additions)
        let now = MadeStream.moment(128)
        func commits() throws -> [UInt64] { try reader.baseImages(of: Self.uuid).map(\.commit) }
        while try commits().count > 8, try writer.thinSegments(now: now) != nil {}
        let left = try commits()
        let distances = zip(left, left.dropFirst()).map { $1 - $0 }
        print("states at \(left)")
        // Of 31 images, four commits apart, eight are left: they go back as far, and lie closer the newer they are.
        #expect(left.last == 124 && left[0] <= 16)
        #expect(distances.prefix(2).reduce(0, +) > 3 * distances.suffix(2).reduce(0, +))
    }

    @Test func aDatabaseWithOneImageLosesNothing() throws {
        let scene = try StoreScene()
        _ = try SegmentStoreTests.fill(scene, segments: 3)
        var writer = try scene.writer(create: false)
        #expect(try writer.thinSegments(now: MadeStream.moment(60)) == nil)
    }
}
