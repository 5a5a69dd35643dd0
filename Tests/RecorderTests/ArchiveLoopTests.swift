import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// The archive of a store, against the store itself.
@Suite struct ArchiveLoopTests {
    private static func database(in place: borrowing TemporaryDirectory) throws -> [UInt8] {
        try Files.contents(of: ArchiveScene.store(in: place).appending("varve.db".utf8), limit: 1 << 28)
    }

    @Test func theLastStateIsTheDatabaseByteForByte() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        for round in 0..<40 {
            try scene.commit(round % 5 == 0 ? 300_000 : 200)
            if round % 3 == 0 { scene.settle() }
        }
        let place = try scene.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 1)
        let last = try #require(generations.last)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
        #expect(last.until != nil, "a clean stop says up to when")
        #expect(last.segments.count > 3)
    }

    @Test func theStateOfEveryCommitCanBeHad() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        var copies: [[UInt8]] = []
        for _ in 0..<6 {
            try scene.commit(5_000)
            // Everything into the file, so that it is the state.
            scene.writer.beginFullCompaction()
            while scene.writer.isFullCompactionRunning { _ = try scene.writer.compactStep() }
            copies.append(try Files.contents(of: scene.store.appending("varve.db".utf8), limit: 1 << 28))
            scene.settle()
        }
        let place = try scene.stop()
        let last = try #require(try ArchiveScene.generations(in: place).last)
        var found = 0
        for commit in last.base.commit...last.lastCommit {
            let state = try ArchiveScene.restore(last, to: commit)
            if found < copies.count, state == copies[found] { found += 1 }
        }
        #expect(found == copies.count, "each copy of the file is some commit's state, in their order")
    }

    @Test func aStartGoesOnWithTheChain() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        for _ in 0..<5 { try scene.commit() }
        var again = try ArchiveScene(in: try scene.stop())
        again.settle()
        try again.commit()
        let place = try again.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 1)
        let last = try #require(generations.last)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
    }

    @Test func whatAKilledRecorderHadCommittedIsTakenInFromTheLog() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        try scene.commit()
        scene.settle()
        // Never handed over.
        for _ in 0..<3 { try scene.commit(9_000) }
        var again = try ArchiveScene(in: scene.die())
        again.settle()
        let place = try again.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 1)
        let last = try #require(generations.last)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
        // Nobody knows when they came about, and that is what their bounds say.
        let tables = try last.segments.map { try last.files.open($0).index.table }
        let unknown = tables.flatMap(\.commits).filter { $0.high.nanosecondsSinceEpoch > $0.low.nanosecondsSinceEpoch }
        #expect(unknown.count >= 3)
    }

    @Test func whatWasChangedWithoutTheArchiveIsAGap() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        try scene.commit()
        let between = try scene.stop()
        do {
            var alone = try StoreWriter(directory: ArchiveScene.store(in: between), create: false)
            var additions = Additions()
            additions.notes = [Note(moment: Clock.realtime(), uid: nil, text: "alone")]
            try alone.append(additions)
            try alone.compactAll()
            alone.close()
        }
        var again = try ArchiveScene(in: between)
        again.settle()
        #expect(again.request.status.takeRemarks().contains { $0.contains("goes on from") })
        let place = try again.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 2)
        #expect(generations.last?.start.isContinued == false)
        #expect(generations.last?.start.previousEnd == generations.first?.end)
        let last = try #require(generations.last)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
    }

    /// Parameter isCut: else one byte in its middle is another, which neither header nor footer shows.
    @Test(arguments: [true, false])
    func whatIsDamagedIsNotContinued(isCut: Bool) throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        for _ in 0..<3 {
            try scene.commit()
            scene.settle()
        }
        // All commits still stand in the log, so the state before the damaged segment could be gone on from.
        let between = scene.die()
        let before = try #require(try ArchiveScene.generations(in: between).last)
        let damaged = before.files.path(of: try #require(before.segments.last))
        var bytes = try Files.contents(of: damaged, limit: 1 << 24)
        if isCut { bytes.removeLast(bytes.count / 2) } else { bytes[bytes.count / 2] ^= 1 }
        try Files.write(bytes, to: damaged)
        var again = try ArchiveScene(in: between)
        again.settle()
        try again.commit()
        let place = try again.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 2)
        let last = try #require(generations.last)
        #expect(!last.start.isContinued && last.start.cause.contains(damaged.lossyText), "\(last.start.cause)")
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
    }

    @Test func aDamagedGenerationIsDroppedInItsTurn() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        let between = try scene.stop()
        let first = try #require(try ArchiveScene.generations(in: between).last)
        try Files.write([], to: first.files.path(of: first.base))
        var again = try ArchiveScene(in: between, limits: ArchiveLimits(maxByteCount: 1 << 20))
        again.settle()
        for _ in 0..<20 {
            try again.commit(100_000)
            again.settle()
        }
        let layout = again.layout
        let place = try again.stop()
        #expect((try? layout.generation(first.number).status()) == nil)
        #expect(try ArchiveReader(directory: ArchiveScene.archive(in: place)).damages == [])
    }

    @Test func aNewGenerationContinuesTheOldOneAndBoundsDropTheOldest() throws {
        var scene = try ArchiveScene(
            in: try TemporaryDirectory(), limits: ArchiveLimits(maxByteCount: 2 << 20))
        scene.settle()
        var sawContinued = false
        for _ in 0..<60 {
            try scene.commit(100_000)
            scene.settle()
            let generations = try ArchiveScene.generations(in: scene.place)
            for (one, next) in zip(generations, generations.dropFirst()) where next.start.isContinued {
                #expect(next.base.state == one.state)
                sawContinued = true
            }
        }
        #expect(sawContinued)
        let place = try scene.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect((generations.first?.number ?? 0) > 1, "the oldest are gone")
        let last = try #require(generations.last)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
    }

    @Test func anArchiveThatIsAwayForAMomentLosesNothing() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        let aside = RawPath(scene.place.appending("aside"))
        try Files.rename(scene.archive, to: aside)
        try Files.makeDirectory(scene.archive)
        try scene.commit()
        scene.settle()
        #expect(scene.request.status.snapshot.condition == "waiting")
        #expect(try Files.names(in: scene.archive).isEmpty, "nothing is written to the mount point")
        try Files.removeDirectory(scene.archive)
        try Files.rename(aside, to: scene.archive)
        scene.settle()
        #expect(scene.request.status.snapshot.condition == "archiving")
        let place = try scene.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 1)
        let last = try #require(generations.last)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
    }

    @Test func anArchiveThatIsAwayForLongHasAGapAndGoesOn() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        let aside = RawPath(scene.place.appending("aside"))
        try Files.rename(scene.archive, to: aside)
        var checkpoints = 0
        for _ in 0..<200 {
            try scene.commit(200_000)
            scene.loop.turn()
            if try scene.writer.checkpointIfDue() != .notDue { checkpoints += 1 }
        }
        scene.settle()
        #expect(scene.request.status.snapshot.condition == "gap")
        #expect(scene.request.status.takeRemarks().contains { $0.contains("a gap begins") })
        let wal = try scene.store.appending("varve.db-wal".utf8).status().byteCount
        #expect(wal < 40 << 20, "checkpoints went on")
        try Files.rename(aside, to: scene.archive)
        scene.settle()
        #expect(scene.request.status.snapshot.condition == "archiving")
        let place = try scene.stop()
        let generations = try ArchiveScene.generations(in: place)
        #expect(generations.count == 2)
        #expect(generations.last?.start.isContinued == false)
        let first = try #require(generations.first)
        let last = try #require(generations.last)
        #expect(first.end < last.base.high)
        #expect(try ArchiveScene.restore(last, to: last.lastCommit) == Self.database(in: place))
    }

    @Test func anUnfinishedGenerationCountsForNothingAndIsRemoved() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        let place = try scene.stop()
        let layout = ArchiveLayout(directory: ArchiveScene.archive(in: place))
        try Files.makeDirectories(layout.generation(2))
        try Files.write(Array("half".utf8), to: layout.generation(2).appending("half.tmp".utf8))
        #expect(try ArchiveScene.generations(in: place).count == 1)
        try Files.unlink(layout.start(of: 1))
        var again = try ArchiveScene(in: place)
        again.settle()
        let after = try again.stop()
        #expect(try ArchiveScene.generations(in: after).map(\.number) == [3])
        #expect(try !Files.names(in: ArchiveScene.archive(in: after)).contains { $0.lossyText.hasSuffix("2") })
    }

    @Test func anotherStoresArchiveAndAnyOtherDirectoryAreRefused() throws {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        let place = try scene.stop()
        var other = try StoreWriter(directory: RawPath(place.appending("other")), create: true)
        let home = RawPath(place.appending("home"))
        try Files.makeDirectory(home)
        try Files.write([1], to: home.appending("letter".utf8))
        for directory in [ArchiveScene.archive(in: place), home, RawPath(place.appending("other/archive"))] {
            var isRefused = false
            do {
                _ = try ArchiveRequest.begin(directory, limits: ArchiveLimits(), &other) { _ in }
            } catch {
                isRefused = true
            }
            #expect(isRefused, "\(directory.lossyText)")
        }
        #expect(try Files.names(in: home).count == 1)
        other.close()
    }
}
