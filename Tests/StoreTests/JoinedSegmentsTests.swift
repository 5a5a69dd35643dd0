import Block
import Model
import Segment
import Syscalls
import TestSupport
import Testing

@testable import Store

@Suite struct JoinedSegmentsTests {
    private static let uuid = SegmentStoreTests.uuid

    private static func join(_ rows: some Sequence<SegmentRow>, _ files: SegmentFiles) throws -> SegmentJoin {
        var joiner = try SegmentJoiner()
        for row in rows { _ = try joiner.append(files.contents(of: row)) }
        return SegmentJoin(try files.write(joiner.finish()), of: Array(rows))
    }

    private static func exchange(_ join: SegmentJoin, _ writer: inout StoreWriter) throws {
        var additions = Additions()
        additions.capture.joins = [join]
        try writer.append(additions)
    }

    private static func fileNames(_ scene: borrowing StoreScene) throws -> [String] {
        try Files.names(in: SegmentFiles(store: scene.path).directory(of: uuid)).map(\.lossyText).sorted()
    }

    @Test func rowsAreExchangedAndFilesGoOnceThatIsOnTheDisk() throws {
        let scene = try StoreScene()
        let (rows, next) = try SegmentStoreTests.fill(scene, segments: 5)
        let files = SegmentFiles(store: scene.path)
        var writer = try scene.writer(create: false)
        let join = try Self.join(rows.segments[1...3], files)
        try Self.exchange(join, &writer)
        let reader = try scene.reader()
        #expect(try reader.segments(of: Self.uuid) == [rows.segments[0], join.row, rows.segments[4]])
        #expect(try Self.fileNames(scene).count == 7)
        try writer.sync()
        #expect(try Self.fileNames(scene).count == 4)
        for row in try reader.segments(of: Self.uuid) { try reader.segmentFiles.verify(row) }
        // The chain goes on behind a joined segment.
        let all = try Self.join([join.row, rows.segments[4]], files)
        try Self.exchange(all, &writer)
        try writer.sync()
        #expect(all.row.level == 2 && all.row.chain == rows.segments[4].hash)
        let last = try files.write(try #require(next))
        #expect(last.previousHash == all.row.chain)
        #expect(try writer.recoverSegments().adoptedCount == 1)
        #expect(try reader.segments(of: Self.uuid) == [rows.segments[0], all.row, last])
    }

    /// A restore lists rows, and opens their files later.
    @Test func whoListedTheRowsBeforeReadsThemInTheJoinedFile() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        let before = try rows.segments.map { row in
            let file = try files.open(row)
            return (file.index.table, try file.index.table.blocks.indices.map { try file.block($0) })
        }
        var writer = try scene.writer(create: false)
        let first = try Self.join(rows.segments[0...1], files)
        try Self.exchange(first, &writer)
        try Self.exchange(try Self.join([first.row] + rows.segments[2...3], files), &writer)
        try writer.sync()
        #expect(try Self.fileNames(scene).count == 2)
        for (row, known) in zip(rows.segments, before) {
            let file = try files.open(row)
            #expect(file.index.table.pages == known.0.pages && file.index.table.blocks == known.0.blocks)
            #expect(file.index.table.commits == known.0.commits)
            #expect(try file.index.table.blocks.indices.map { try file.block($0) } == known.1)
            try files.verify(row)
        }
        var other = rows.segments[1]
        other.stateAfter ^= 1
        #expect(throws: StoreError.self) { _ = try files.open(other) }
        other = rows.segments[3]
        other.lastCommit += 1
        #expect(throws: StoreError.self) { _ = try files.open(other) }
    }

    @Test func whereRetentionWasFasterNothingIsExchanged() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        var writer = try scene.writer(create: false)
        let join = try Self.join(rows.segments[0...1], files)
        var additions = Additions()
        additions.capture.bases = [try MadeStream.base(files, Self.uuid, commit: 4).0]
        try writer.append(additions)
        let later = MadeStream.moment(1_000_000)
        #expect(try writer.enforce(RetentionLimits(maxAgeNanoseconds: 1), now: later).byteCount > 0)
        try Self.exchange(join, &writer)
        try writer.sync()
        #expect(try scene.reader().segments(of: Self.uuid) == Array(rows.segments[2...3]))
        #expect(try Self.fileNames(scene).count == 3, "two segments and the base image")
    }

    /// History is read from base images on, and pruned up to them.
    @Test func nothingIsJoinedAcrossABaseImage() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        var writer = try scene.writer(create: false)
        var additions = Additions()
        additions.capture.bases = [try MadeStream.base(files, Self.uuid, commit: 4).0]
        try writer.append(additions)
        try Self.exchange(try Self.join(rows.segments[1...2], files), &writer)
        #expect(try scene.reader().segments(of: Self.uuid) == rows.segments)
        try Self.exchange(try Self.join(rows.segments[2...3], files), &writer)
        #expect(try scene.reader().segments(of: Self.uuid).count == 3)
    }

    /// At each step at which a recorder may end, the next start leaves files and rows that fit, and every commit readable.
    @Test(arguments: 0..<4) func aStartBringsFilesAndRowsTogether(_ step: Int) throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        let directory = files.directory(of: Self.uuid)
        do {
            var writer = try scene.writer(create: false)
            var joiner = try SegmentJoiner()
            for row in rows.segments[1...2] { _ = try joiner.append(files.contents(of: row)) }
            let segment = try joiner.finish()
            let row = try files.write(segment)
            switch step {
            case 0:
                // Half of it, under its temporary name.
                try Files.unlink(files.path(of: row))
                try Files.write(
                    Array(segment.bytes.prefix(300)), to: RawPath(files.path(of: row).bytes + Array(".tmp".utf8)))
            case 1: break
            case 2: try Self.exchange(SegmentJoin(row, of: Array(rows.segments[1...2])), &writer)
            default:
                // Of a store from an archive, which took the joined file alone.
                for source in rows.segments[1...2] { try Files.unlink(files.path(of: source)) }
            }
        }
        var writer = try scene.writer(create: false)
        let recovery = try writer.recoverSegments()
        let reader = try scene.reader()
        let found = try reader.segments(of: Self.uuid)
        #expect(found.count == (step == 0 ? 4 : 3))
        #expect(recovery.adoptedCount == (step == 1 || step == 3 ? 1 : 0))
        #expect(recovery.removedCount == [1, 2, 2, 0][step])
        for row in found { try reader.segmentFiles.verify(row) }
        #expect(try Files.names(in: directory).count == found.count + 1)
        #expect(zip(found, found.dropFirst()).allSatisfy { $1.previousHash == $0.chain })
        #expect(try writer.recoverSegments() == SegmentRecovery())
    }

    /// An archive has states in which only some of the rows were there, and of those files perhaps only the joined one.
    @Test func aStartKeepsAJoinedFileOfWhichOnlySomeCommitsHaveRows() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        let join = try Self.join(rows.segments[1...3], files)
        for source in join.sources { try Files.unlink(files.path(of: source)) }
        let database = scene.layout.database.lossyText
        for row in rows.segments[2...3].reversed() {
            try runSuccessfully("sqlite3", [database, "DELETE FROM segment WHERE first_commit = \(row.firstCommit)"])
            var writer = try scene.writer(create: false)
            #expect(try writer.recoverSegments() == SegmentRecovery())
            let reader = try scene.reader()
            for row in try reader.segments(of: Self.uuid) { try reader.segmentFiles.verify(row) }
        }
        // Another file whose name has the commits, and which has not what the row names.
        let other = files.directory(of: Self.uuid).appending(SegmentFiles.name(first: 1, last: 6))
        try Files.write(files.contents(of: rows.segments[0]), to: other)
        let path = try files.open(rows.segments[1]).path
        #expect(path == files.path(of: join.row))
    }

    @Test func twoLevelsInOneTransactionLeaveOneFile() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        let first = try Self.join(rows.segments[0...1], files)
        var additions = Additions()
        additions.capture.joins = [first, try Self.join([first.row] + rows.segments[2...3], files)]
        var writer = try scene.writer(create: false)
        try writer.append(additions)
        try writer.sync()
        #expect(try scene.reader().segments(of: Self.uuid).map(\.level) == [2])
        #expect(try Self.fileNames(scene).count == 2, "one segment and the base image")
    }

    @Test func aStoreOfVersionSixKnowsNoJoinedSegments() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 3)
        try runSuccessfully(
            "sqlite3",
            [scene.layout.database.lossyText, "ALTER TABLE segment DROP COLUMN chain_hash; PRAGMA user_version = 6"])
        #expect(try scene.reader().segments(of: Self.uuid) == rows.segments)
        var writer = try scene.writer(create: false)
        try Self.exchange(try Self.join(rows.segments, SegmentFiles(store: scene.path)), &writer)
        #expect(try scene.reader().segments(of: Self.uuid).map(\.level) == [1])
    }

    @Test func anArchivedFileMayBeTheJoinedOne() throws {
        let scene = try StoreScene()
        let (rows, _) = try SegmentStoreTests.fill(scene, segments: 4)
        let files = SegmentFiles(store: scene.path)
        let join = try Self.join(rows.segments[1...3], files)
        for source in join.sources { try Files.unlink(files.path(of: source)) }
        let other = try TemporaryDirectory()
        let target = SegmentFiles(directory: RawPath(other.appending("segments")))
        for row in rows.segments { #expect(try target.take(row, from: files)) }
        #expect(try Files.names(in: target.directory(of: Self.uuid)).count == 2)
        for row in rows.segments { try target.verify(row) }
        try Files.unlink(files.path(of: join.row))
        #expect(try !target.take(rows.segments[2], from: files))
    }
}
