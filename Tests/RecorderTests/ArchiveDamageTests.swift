import Block
import Model
import Store
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// An archive with files cut, changed, missing or exchanged: named, and never a trap.
@Suite struct ArchiveDamageTests {
    private static func archive() throws -> TemporaryDirectory {
        var scene = try ArchiveScene(in: try TemporaryDirectory())
        scene.settle()
        for _ in 0..<4 {
            try scene.commit(6_000)
            scene.settle()
        }
        return try scene.stop()
    }

    private static func files(below path: RawPath) throws -> [RawPath] {
        try Files.names(in: path).sorted().flatMap { name in
            let file = path.appending(name.bytes)
            return try file.status().kind == .directory ? try files(below: file) : [file]
        }
    }

    /// What reading all of the archive says; an error that ends it counts as said.
    private static func findings(_ place: borrowing TemporaryDirectory) throws -> [String] {
        do throws(StoreError) {
            let reader = try ArchiveReader(directory: ArchiveScene.archive(in: place))
            for generation in reader.generations {
                // Whatever is offered can be had, or is refused.
                do { _ = try ArchiveScene.restore(generation, to: generation.lastCommit) } catch {}
            }
            return reader.verify().damages.map { "\($0.path.lossyText): \($0.problem)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func aSoundArchiveHasNoFindings() throws {
        let place = try Self.archive()
        #expect(try Self.findings(place) == [])
    }

    @Test func everyFileThatIsCutIsNamed() throws {
        let place = try Self.archive()
        for path in try Self.files(below: ArchiveScene.archive(in: place)) {
            let whole = try Files.contents(of: path, limit: 1 << 24)
            for count in Set([0, 1, 8, 16, 63, 64, 79, 159, whole.count / 2, whole.count - 1]).sorted()
            where count < whole.count {
                try Files.write(Array(whole.prefix(count)), to: path)
                #expect(try !Self.findings(place).isEmpty, "\(path.lossyText) cut to \(count)")
            }
            try Files.write(whole, to: path)
        }
        #expect(try Self.findings(place) == [])
    }

    @Test func everyFileWithAChangedByteIsNamed() throws {
        let place = try Self.archive()
        var generator = SeededGenerator(seed: 7)
        for path in try Self.files(below: ArchiveScene.archive(in: place)) {
            let whole = try Files.contents(of: path, limit: 1 << 24)
            for _ in 0..<40 {
                var damaged = whole
                let position = Int(generator.next() % UInt64(whole.count))
                damaged[position] ^= UInt8(1 << (generator.next() % 8))
                try Files.write(damaged, to: path)
                #expect(try !Self.findings(place).isEmpty, "\(path.lossyText), byte \(position)")
            }
            try Files.write(whole, to: path)
        }
    }

    @Test func aMissingSegmentEndsWhatItsGenerationHas() throws {
        let place = try Self.archive()
        let before = try #require(try ArchiveScene.generations(in: place).last)
        #expect(before.segments.count >= 3)
        try Files.unlink(before.files.path(of: before.segments[1]))
        let after = try #require(try ArchiveScene.generations(in: place).last)
        #expect(after.segments == [before.segments[0]])
        #expect(after.until == nil)
        #expect(try Self.findings(place).contains { $0.contains("missing") })
    }

    @Test func aLastSegmentThatIsMissingIsNamedByWhatWasSaidAfterIt() throws {
        let place = try Self.archive()
        let before = try #require(try ArchiveScene.generations(in: place).last)
        let last = try #require(before.segments.last)
        #expect(before.until != nil)
        try Files.unlink(before.files.path(of: last))
        #expect(
            try Self.findings(place).contains { $0.contains("\(last.firstCommit) to \(last.lastCommit) are missing") })
    }

    @Test func exchangedSegmentsAreNamed() throws {
        let place = try Self.archive()
        let generation = try #require(try ArchiveScene.generations(in: place).last)
        let (one, other) = (
            generation.files.path(of: generation.segments[0]), generation.files.path(of: generation.segments[1])
        )
        let aside = RawPath(place.appending("aside"))
        try Files.rename(one, to: aside)
        try Files.rename(other, to: one)
        try Files.rename(aside, to: other)
        #expect(try Self.findings(place).contains { $0.contains("not the one that its name means") })
    }

    @Test func aBaseImageThatIsMissingTakesItsGenerationAlone() throws {
        let place = try Self.archive()
        let generation = try #require(try ArchiveScene.generations(in: place).last)
        try Files.unlink(generation.files.path(of: generation.base))
        #expect(try ArchiveScene.generations(in: place).isEmpty)
        #expect(try Self.findings(place).contains { $0.contains("0 base images") })
    }

    @Test func linksAndSpecialFilesInPlaceOfFilesHoldNobodyUp() throws {
        let place = try Self.archive()
        let generation = try #require(try ArchiveScene.generations(in: place).last)
        let path = generation.files.path(of: generation.segments[0])
        try Files.unlink(path)
        try runSuccessfully("mkfifo", [path.lossyText])
        #expect(try !Self.findings(place).isEmpty)
        try Files.unlink(path)
        try Files.makeSymbolicLink(path, to: RawPath("/dev/zero"))
        #expect(try !Self.findings(place).isEmpty)
    }
}
