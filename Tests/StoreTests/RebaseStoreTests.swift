import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

/// Base images that hold only what changed, as files and rows.
@Suite struct RebaseStoreTests {
    private static let uuid = SegmentStoreTests.uuid

    /// The state of a made stream in which page 2 holds this byte alone.
    private static func hashes(_ byte: UInt8) -> PageHashes {
        var hashes = PageHashes(stream: uuid)
        for (page, byte) in [(1, 0), (2, byte)] as [(UInt32, UInt8)] {
            hashes.set(page, hashes.hash(of: page, [UInt8](repeating: byte, count: 512), 0..<512))
        }
        return hashes
    }

    /// Page 2 changed to `byte` over a gap that ends with `commit`.
    private static func rebase(
        _ files: SegmentFiles, commit: UInt64, builtOn: UInt64, from before: UInt8, to byte: UInt8
    ) throws(StoreError) -> BaseImageRow {
        var file = try files.beginBaseImage(
            BaseImageHeader(
                stream: uuid, pageSize: 512, commit: commit, low: MadeStream.moment(commit),
                high: MadeStream.moment(commit), pageCount: 2),
            changes: PageChanges(since: hashes(before), builtOn: builtOn, to: hashes(byte)))
        try file.append([UInt8](repeating: byte, count: 512))
        return try file.finish().row
    }

    /// Two commits, a gap of two, a rebase on the state before it.
    private static func fill(_ scene: borrowing StoreScene) throws -> BaseImageRow {
        _ = try SegmentStoreTests.fill(scene, segments: 1)
        var writer = try scene.writer(create: false)
        var additions = Additions()
        additions.capture.gaps = [
            CaptureGapRow(
                stream: uuid,
                gap: CaptureGap(
                    first: 3, last: 4, missedCount: 2, low: MadeStream.moment(3), high: MadeStream.moment(4),
                    cause: .wrapped))
        ]
        let row = try rebase(SegmentFiles(store: scene.path), commit: 4, builtOn: 2, from: 2, to: 9)
        additions.capture.bases = [row]
        try writer.append(additions)
        return row
    }

    @Test func aRebaseComesBackAsItWasWritten() throws {
        let scene = try StoreScene()
        let row = try Self.fill(scene)
        #expect(row.builtOn == 2)
        let reader = try scene.reader()
        #expect(try reader.baseImages(of: Self.uuid).last == row)
        try reader.segmentFiles.verify(row)
        let file = try reader.segmentFiles.open(row)
        let (pages, state) = (file.index.pages, file.index.state)
        #expect(pages == [2] && state == Self.hashes(9).state)
        let refusal = #expect(throws: StoreError.self) { _ = try file.hashes { _, _ in } }
        #expect(refusal?.code == .corrupt, "it is no whole image")
    }

    @Test func damageOfARebaseIsNamed() throws {
        let scene = try StoreScene()
        let row = try Self.fill(scene)
        let files = SegmentFiles(store: scene.path)
        let whole = try Files.contents(of: files.path(of: row))
        for position in whole.indices {
            var bytes = whole
            bytes[position] ^= 4
            try Files.write(bytes, to: files.path(of: row))
            #expect(throws: StoreError.self, "byte \(position)") { try files.verify(row) }
        }
        var other = row
        other.builtOn = 1
        try Files.write(whole, to: files.path(of: row))
        #expect(throws: StoreError.self) { try files.verify(other) }
    }

    /// What a rebase builds on must not go before it.
    @Test func retentionDropsARebaseTogetherWithWhatItBuildsOn() throws {
        let scene = try StoreScene()
        _ = try Self.fill(scene)
        let files = SegmentFiles(store: scene.path)
        var writer = try scene.writer(create: false)
        let age = RetentionLimits(maxAgeNanoseconds: 1)
        let later = MadeStream.moment(1_000_000)
        #expect(try writer.enforce(age, now: later).byteCount == 0, "nothing is whole but the oldest")
        #expect(try scene.reader().segments(of: Self.uuid).count == 1)
        var additions = Additions()
        additions.capture.bases = [try MadeStream.base(files, Self.uuid, commit: 7).0]
        try writer.append(additions)
        #expect(try writer.enforce(age, now: later).byteCount > 0)
        let reader = try scene.reader()
        #expect(try reader.baseImages(of: Self.uuid) == additions.capture.bases)
        #expect(try reader.segments(of: Self.uuid).isEmpty)
        #expect(try Files.names(in: files.directory(of: Self.uuid)).count == 1)
    }

    @Test func aRebaseWhoseRowWasLostIsTakenIn() throws {
        let scene = try StoreScene()
        let row = try Self.fill(scene)
        try runSuccessfully(
            "sqlite3", [scene.layout.database.lossyText, "DELETE FROM base_image WHERE built_on IS NOT NULL"])
        var writer = try scene.writer(create: false)
        #expect(try writer.recoverSegments().adoptedCount == 1)
        #expect(try scene.reader().baseImages(of: Self.uuid).last == row)
    }

    @Test func hashesThatWereLeftComeBackForTheirStateAlone() throws {
        let scene = try StoreScene()
        _ = try SegmentStoreTests.fill(scene, segments: 1)
        let reader = try scene.reader()
        let stream = try #require(try reader.streams().first)
        let state = try #require(
            StreamState(stream, try reader.segments(of: Self.uuid), try reader.baseImages(of: Self.uuid)))
        #expect(state.commit == 2 && state.state == Self.hashes(2).state && state.pageCount == 2)
        let files = SegmentFiles(store: scene.path)
        #expect(files.hashes(of: state) == nil)
        try files.leave(Self.hashes(2), of: state)
        #expect(files.hashes(of: state)?.state == state.state)
        for change in [\StreamState.commit, \.state] {
            var other = state
            other[keyPath: change] += 1
            #expect(files.hashes(of: other) == nil)
        }
        // No file of a crash: a start leaves it alone.
        var writer = try scene.writer(create: false)
        #expect(try writer.recoverSegments() == SegmentRecovery())
        #expect(files.hashes(of: state) != nil)
        let path = files.directory(of: Self.uuid).appending(Array("hashes".utf8))
        let whole = try Files.contents(of: path)
        for position in whole.indices {
            var bytes = whole
            bytes[position] ^= 4
            try Files.write(bytes, to: path)
            #expect(files.hashes(of: state) == nil, "byte \(position)")
        }
        try Files.write(Array(whole.dropLast()), to: path)
        #expect(files.hashes(of: state) == nil)
    }

    @Test func hashesOfManyPagesAreCheckedPieceByPiece() throws {
        let scene = try StoreScene()
        _ = try SegmentStoreTests.fill(scene, segments: 1)
        var hashes = PageHashes(stream: Self.uuid)
        for page in 1...300_000 as ClosedRange<UInt32> { hashes.set(page, UInt64(page) &* 0x9E37_79B9_7F4A_7C15) }
        let state = StreamState(
            stream: Self.uuid, commit: 5, state: hashes.state, pageCount: hashes.pageCount, pageSize: 512)
        let files = SegmentFiles(store: scene.path)
        try files.leave(hashes, of: state)
        let found = try #require(files.hashes(of: state))
        #expect(found.differing(from: hashes).isEmpty)
    }
}
