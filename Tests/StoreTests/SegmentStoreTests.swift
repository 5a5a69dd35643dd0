import Block
import Glibc
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

/// A stream of made-up pages, for what happens to files and rows; what is in them SegmentTests look at.
struct MadeStream: ~Copyable {
    static let pageSize = 512
    let stream: DatabaseStream
    var encoder: SegmentEncoder
    private var page: UInt8 = 0

    init(number: UInt64, hashes: PageHashes?) throws {
        let uuid = UUIDBytes(high: 0xAAAA_0000_0000_4000 | number, low: 0x8000_0000_0000_0001)
        stream = Self.stream(uuid)
        encoder = try SegmentEncoder(
            stream: uuid, pageSize: UInt32(Self.pageSize), hashes: hashes,
            databasePageCount: hashes?.pageCount ?? 0, lastCommit: 0, lastHash: EventsHash(high: 0, low: 0))
    }

    static func stream(_ uuid: UUIDBytes) -> DatabaseStream {
        DatabaseStream(
            uuid: uuid, device: 1, inode: 2, birth: nil, paths: [RawPath("/srv/a.db")], pageSize: UInt32(pageSize),
            firstSeen: StoreScene.start)
    }

    /// A base image of two pages of zeros.
    static func base(_ files: SegmentFiles, _ stream: UUIDBytes, commit: UInt64) throws(StoreError) -> (
        BaseImageRow, PageHashes
    ) {
        var file = try files.beginBaseImage(
            BaseImageHeader(
                stream: stream, pageSize: UInt32(pageSize), commit: commit, low: moment(commit), high: moment(commit),
                pageCount: 2))
        try file.append([UInt8](repeating: 0, count: 2 * pageSize))
        let end = try file.finish()
        return (end.row, end.hashes)
    }

    static func moment(_ commit: UInt64) -> Instant {
        StoreScene.start.advanced(byNanoseconds: Int64(commit) * 1_000_000_000)
    }

    /// The next segment, of `count` commits.
    mutating func segment(_ count: Int) throws(SegmentError) -> EncodedSegment? {
        for _ in 0..<count {
            page &+= 1
            let number = encoder.lastCommit + 1
            try encoder.append(
                CapturedCommit(
                    number: number, low: Self.moment(number), high: Self.moment(number), databasePageCount: 2,
                    frame: UInt32(number), salts: 1, changeCounter: nil, status: .published, attribution: .unknown,
                    writers: [], checkpointer: [], pages: [2], bytes: [UInt8](repeating: page, count: Self.pageSize))
            ) { _ in nil }
        }
        return try encoder.finish()
    }
}

@Suite struct SegmentStoreTests {
    static let uuid = UUIDBytes(high: 0xAAAA_0000_0000_4001, low: 0x8000_0000_0000_0001)

    /// A store with one stream: a base image and `segments` segments of two commits, with their rows.
    static func fill(_ scene: borrowing StoreScene, segments count: Int) throws -> (
        rows: CaptureRows, last: EncodedSegment?
    ) {
        var writer = try scene.writer()
        let files = SegmentFiles(store: scene.path)
        let (base, hashes) = try MadeStream.base(files, uuid, commit: 0)
        var made = try MadeStream(number: 1, hashes: hashes)
        var rows = CaptureRows()
        rows.streams = [made.stream]
        rows.bases = [base]
        for _ in 0..<count {
            if let segment = try made.segment(2) { rows.segments.append(try files.write(segment)) }
        }
        var additions = Additions()
        additions.capture = rows
        try writer.append(additions)
        try writer.sync()
        return (rows, try made.segment(2))
    }

    @Test func rowsComeBackAsTheyWereWritten() throws {
        let scene = try StoreScene()
        let (rows, _) = try Self.fill(scene, segments: 3)
        let reader = try scene.reader()
        #expect(try reader.streams() == rows.streams)
        #expect(try reader.segments(of: Self.uuid) == rows.segments)
        #expect(try reader.baseImages(of: Self.uuid) == rows.bases)
        #expect(rows.segments.map(\.firstCommit) == [1, 3, 5])
        for row in rows.segments {
            try reader.segmentFiles.verify(row)
            let file = try reader.segmentFiles.open(row)
            let numbers = file.index.table.commits.map(\.number)
            #expect(numbers == [row.firstCommit, row.lastCommit])
        }
        try reader.segmentFiles.verify(rows.bases[0])
    }

    @Test func aChangedStreamKeepsItsPathsAndGetsNewOnes() throws {
        let scene = try StoreScene()
        let (rows, _) = try Self.fill(scene, segments: 0)
        var stream = rows.streams[0]
        stream.paths = [RawPath("/srv/b.db"), RawPath("/srv/a.db")]
        stream.condition = .ended
        stream.detail = "deleted"
        var additions = Additions()
        additions.capture.streams = [stream]
        additions.capture.gaps = [
            CaptureGapRow(
                stream: stream.uuid,
                gap: CaptureGap(
                    first: 1, last: 4, missedCount: 4, low: StoreScene.start, high: StoreScene.start, cause: .wrapped))
        ]
        var writer = try scene.writer(create: false)
        try writer.append(additions)
        let reader = try scene.reader()
        #expect(try reader.streams() == [stream])
        #expect(try reader.captureGaps(of: stream.uuid) == additions.capture.gaps.map(\.gap))
    }

    /// One row that cannot be stored must not hold up those of every other database.
    @Test func aRowThatContradictsTheStoreIsAGapAndHoldsUpNothing() throws {
        let scene = try StoreScene()
        let (rows, _) = try Self.fill(scene, segments: 2)
        let other = MadeStream.stream(UUIDBytes(high: 0xAAAA_0000_0000_4009, low: 0x8000_0000_0000_0001))
        var additions = Additions()
        additions.capture.segments = [rows.segments[1]]
        additions.capture.streams = [other]
        additions.capture.gaps = [
            CaptureGapRow(
                stream: other.uuid,
                gap: CaptureGap(
                    first: 1, last: 1, missedCount: 1, low: StoreScene.start, high: StoreScene.start, cause: .wrapped))
        ]
        var writer = try scene.writer(create: false)
        let refusal = #expect(throws: StoreError.self) { try writer.append(additions) }
        #expect(refusal?.isConstraint == true)
        #expect(try scene.reader().streams() == rows.streams, "nothing of it was stored")
        #expect(try writer.appendWhatFits(additions).count == 1)
        let reader = try scene.reader()
        #expect(try reader.streams().count == 2)
        #expect(try reader.segments(of: Self.uuid) == rows.segments)
        #expect(try reader.captureGaps(of: other.uuid).count == 1)
        #expect(try reader.gaps().filter { $0.gap.kind == .walMissed }.count == 1)
    }

    @Test func whatACrashLeftIsTakenInOrRemoved() throws {
        let scene = try StoreScene()
        let (rows, next) = try Self.fill(scene, segments: 2)
        let files = SegmentFiles(store: scene.path)
        let directory = files.directory(of: Self.uuid)
        // Written, but its row never came.
        let lost = try files.write(try #require(next))
        // Half a file under its temporary name, a segment that does not continue, another stream's leftovers.
        try Files.write([1, 2, 3], to: directory.appending(Array("0000000000000009-000000000000000a.vseg.tmp".utf8)))
        var other = PageHashes(stream: Self.uuid)
        other.resize(to: 2)
        var stray = try MadeStream(number: 1, hashes: other)
        let strayBytes = try #require(try stray.segment(1)).bytes
        try Files.write(strayBytes, to: directory.appending(Array("0000000000000020-0000000000000021.vseg".utf8)))
        try Files.makeDirectory(files.directory.appending(Array("00000000000040008000000000000000".utf8)))

        var writer = try scene.writer(create: false)
        let recovery = try writer.recoverSegments()
        #expect(recovery.adoptedCount == 1)
        #expect(recovery.removedCount == 3)
        let reader = try scene.reader()
        #expect(try reader.segments(of: Self.uuid) == rows.segments + [lost])
        #expect(try Files.names(in: directory).count == 4)
        #expect(try Files.names(in: files.directory).count == 1)
        #expect(try writer.recoverSegments() == SegmentRecovery())
    }

    @Test func damageIsNamed() throws {
        let scene = try StoreScene()
        let (rows, _) = try Self.fill(scene, segments: 1)
        let files = SegmentFiles(store: scene.path)
        for path in [files.path(of: rows.segments[0]), files.path(of: rows.bases[0])] {
            var bytes = try Files.contents(of: path)
            bytes[bytes.count / 2] ^= 1
            try Files.write(bytes, to: path)
        }
        #expect(throws: StoreError.self) { try files.verify(rows.segments[0]) }
        #expect(throws: StoreError.self) { try files.verify(rows.bases[0]) }
        try Files.unlink(files.path(of: rows.segments[0]))
        #expect(throws: StoreError.self) { try files.verify(rows.segments[0]) }
    }

    @Test func upToWhenAStreamIsKnownIsStoredAlsoInAnOlderStore() throws {
        let scene = try StoreScene()
        _ = try Self.fill(scene, segments: 1)
        try runSuccessfully(
            "sqlite3",
            [
                scene.layout.database.lossyText,
                "ALTER TABLE stream DROP COLUMN watched_until; ALTER TABLE base_image DROP COLUMN built_on;"
                    + "ALTER TABLE run DROP COLUMN operations; ALTER TABLE run DROP COLUMN exclusions;"
                    + "ALTER TABLE segment DROP COLUMN chain_hash; PRAGMA user_version = 3",
            ])
        #expect(try scene.reader().watchedUntil().isEmpty)
        #expect(try scene.reader().baseImages(of: Self.uuid).map(\.builtOn) == [nil])
        #expect(try scene.reader().streams().count == 1)
        var writer = try scene.writer(create: false)
        var additions = Additions()
        additions.capture.watchedUntil[Self.uuid] = MadeStream.moment(90)
        try writer.append(additions)
        #expect(try scene.reader().watchedUntil() == [Self.uuid: MadeStream.moment(90)])
        // What is said of the stream later does not unsay it.
        additions = Additions()
        additions.capture.streams = try scene.reader().streams()
        try writer.append(additions)
        #expect(try scene.reader().watchedUntil() == [Self.uuid: MadeStream.moment(90)])
        // Where a row is left out, something is missing after all.
        additions.capture.segments = try scene.reader().segments(of: Self.uuid)
        additions.capture.watchedUntil[Self.uuid] = MadeStream.moment(95)
        #expect(try writer.appendWhatFits(additions).count == 1)
        #expect(try scene.reader().watchedUntil() == [Self.uuid: MadeStream.moment(90)])
    }

    @Test func aStoreOfAnOlderSchemaWatchedNothing() throws {
        let scene = try StoreScene()
        _ = try scene.writer().directory
        let tables = ["stream", "stream_path", "segment", "base_image", "capture_gap"].map { "DROP TABLE \($0);" }
        try runSuccessfully(
            "sqlite3",
            [
                scene.layout.database.lossyText,
                tables.joined() + "ALTER TABLE run DROP COLUMN operations; ALTER TABLE run DROP COLUMN exclusions;"
                    + "PRAGMA user_version = 2",
            ])
        #expect(try scene.reader().streams().isEmpty)
        _ = try scene.writer(create: false).directory
        let (rows, _) = try Self.fill(scene, segments: 1)
        #expect(try scene.reader().segments(of: Self.uuid) == rows.segments)
    }

    @Test func retentionDropsWhatLiesBeforeANewerBaseImage() throws {
        let scene = try StoreScene()
        let (rows, _) = try Self.fill(scene, segments: 3)
        let files = SegmentFiles(store: scene.path)
        var writer = try scene.writer(create: false)
        // With one base image nothing may go.
        let age = RetentionLimits(maxAgeNanoseconds: 1)
        let later = MadeStream.moment(1_000_000)
        #expect(try writer.enforce(age, now: later).byteCount == 0)
        var additions = Additions()
        additions.capture.bases = [try MadeStream.base(files, Self.uuid, commit: 4).0]
        try writer.append(additions)
        // The new base image is not old enough yet.
        #expect(try writer.enforce(age, now: MadeStream.moment(4)).byteCount == 0)
        #expect(try writer.enforce(age, now: later).byteCount > 0)
        let reader = try scene.reader()
        #expect(try reader.segments(of: Self.uuid) == [rows.segments[2]])
        #expect(try reader.baseImages(of: Self.uuid) == additions.capture.bases)
        let gap = try #require(try reader.captureGaps(of: Self.uuid).first)
        #expect(gap.first == 1 && gap.last == 4 && gap.missedCount == 4 && gap.cause == .pruned)
        #expect(try Files.names(in: files.directory(of: Self.uuid)).count == 2)
    }
}
