import Block
import Model
import Segment
import Syscalls
import TestSupport
import Testing

@testable import Recorder
@testable import Store

@Suite struct JoinableSegmentsTests {
    private static let stream = UUIDBytes(high: 1, low: 2)

    /// The rows of a segment and a base image as files have them; the tests change what they are about.
    private static let templates = Result { () throws -> (segment: SegmentRow, base: BaseImageRow) in
        let directory = try TemporaryDirectory()
        let files = SegmentFiles(directory: RawPath(directory.path))
        let moment = Instant.distantPast
        var file = try files.beginBaseImage(
            BaseImageHeader(stream: stream, pageSize: 512, commit: 10, low: moment, high: moment, pageCount: 1))
        try file.append([UInt8](repeating: 0, count: 512))
        let base = try file.finish()
        var encoder = try SegmentEncoder(
            stream: stream, pageSize: 512, hashes: base.hashes, databasePageCount: 1, lastCommit: 10,
            lastHash: EventsHash(high: 0, low: 0))
        try encoder.append(
            CapturedCommit(
                number: 11, low: moment, high: moment, databasePageCount: 1, frame: 1, salts: 1, changeCounter: nil,
                status: .published, attribution: .unknown, writers: [], checkpointer: [], pages: [1],
                bytes: [UInt8](repeating: 1, count: 512))
        ) { _ in nil }
        let segment = try encoder.finish()
        return (try files.write(try #require(segment)), base.row)
    }

    /// Of `count` commits from `first` on; its hash is that of its last commit, so rows continue each other by their numbers.
    private static func row(
        _ first: UInt64, count: UInt64 = 1, level: UInt32 = 0, bytes: UInt64 = 500
    ) throws -> SegmentRow {
        func hash(_ commit: UInt64) -> EventsHash { EventsHash(high: commit, low: 7) }
        var row = try templates.get().segment
        row.level = level
        (row.firstCommit, row.lastCommit) = (first, first + count - 1)
        (row.stateBefore, row.stateAfter) = (first - 1, row.lastCommit)
        row.byteCount = bytes
        row.hash = level == 0 ? hash(row.lastCommit) : EventsHash(high: row.lastCommit, low: UInt64(level))
        row.previousHash = hash(first - 1)
        row.chainHash = level == 0 ? nil : hash(row.lastCommit)
        return row
    }

    private static func joined(_ sources: [SegmentRow]) throws -> SegmentRow {
        try row(
            sources[0].firstCommit, count: sources.reduce(0) { $0 + $1.commitCount },
            level: (sources.map(\.level).max() ?? 0) + 1, bytes: sources.reduce(0) { $0 + $1.byteCount })
    }

    /// Joins all that is to be joined, in the list of all rows as well.
    private static func joinAll(_ joinable: inout JoinableSegments, _ rows: inout [SegmentRow]) throws -> Int {
        var count = 0
        while let sources = joinable.next() {
            count += 1
            try #require(count < 10_000)
            let start = try #require(rows.firstIndex(of: sources[0]))
            try #require(Array(rows[start..<start + sources.count]) == sources, "neighbours, as they are in the store")
            let row = try joined(sources)
            rows.replaceSubrange(start..<start + sources.count, with: [row])
            joinable.replace(sources, by: row)
        }
        return count
    }

    @Test func aMonthOfSingleCommitsIsFewFiles() throws {
        var joinable = JoinableSegments()
        var rows: [SegmentRow] = []
        var most = 0
        var joins = 0
        for number in 1...43_200 as ClosedRange<UInt64> {
            rows.append(try Self.row(number))
            joinable.append(rows[rows.count - 1])
            joins += try Self.joinAll(&joinable, &rows)
            most = max(most, rows.count)
        }
        // Each level has at most fifteen, and large ones are as large as segments become.
        #expect(most < 3 * 15 + 43_200 / 1_024 + 1, "\(most)")
        #expect(joins < 43_200 / 15 + 1)
        #expect(rows.allSatisfy { $0.commitCount <= 16_384 && $0.byteCount <= 4 << 20 })
        #expect(rows.reduce(0) { $0 + $1.commitCount } == 43_200)
    }

    @Test func sizesThatComeByChanceStayWithinTheLimits() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var joinable = JoinableSegments()
        var rows: [SegmentRow] = []
        var borders: Set<UInt64> = []
        var next: UInt64 = 1
        for _ in 0..<4_000 {
            let chance = Int.random(in: 0..<100, using: &generator)
            if chance == 0 { next += 1 }
            if chance == 1 {
                joinable.endRun()
                if let last = rows.last?.lastCommit { borders.insert(last) }
            }
            let row = try Self.row(
                next, count: chance < 5 ? 3_000 : .random(in: 1...9, using: &generator),
                bytes: chance > 97 ? 1 << 20 : .random(in: 300...60_000, using: &generator))
            rows.append(row)
            joinable.append(row)
            next = row.lastCommit + 1
            if chance % 3 == 0 { _ = try Self.joinAll(&joinable, &rows) }
        }
        _ = try Self.joinAll(&joinable, &rows)
        #expect(rows.allSatisfy { $0.commitCount <= 16_384 && $0.byteCount <= 4 << 20 }, "seed \(seed)")
        let ends = Set(rows.map(\.lastCommit))
        #expect(borders.isSubset(of: ends), "seed \(seed)")
        #expect(rows.count < 1_200, "\(rows.count), seed \(seed)")
    }

    /// After every restart a gap ends what the run before left.
    @Test func whatIsLeftOfARunThatEndedIsJoinedWhateverItsLevels() throws {
        var rows = try (1...20).map { try Self.row($0) } + (30...32).map { try Self.row($0) } + [Self.row(40)]
        var joinable = JoinableSegments(rows, [])
        let count = try Self.joinAll(&joinable, &rows)
        #expect(count == 2)
        #expect(rows.map(\.firstCommit) == [1, 30, 31, 32, 40], "three are not worth a file")
        var again = JoinableSegments(rows, [])
        let more = again.next()
        #expect(more == nil)
    }

    @Test func baseImagesSeparate() throws {
        var rows = try (1...32).map { try Self.row($0) }
        let base = try Self.templates.get().base
        var joinable = JoinableSegments(rows, [base])
        _ = try Self.joinAll(&joinable, &rows)
        #expect(rows.map(\.firstCommit) == [1, 11])
    }

    @Test func whatCannotBeReadIsLeftAsItIs() throws {
        var rows = try (1...40).map { try Self.row($0) }
        var joinable = JoinableSegments(rows, [])
        let next = joinable.next()
        let sources = try #require(next)
        joinable.giveUp(sources)
        let count = try Self.joinAll(&joinable, &rows)
        #expect(count == 2)
        #expect(rows.count == 17 && rows[15].level == 0 && rows[16].level == 2)
    }

    @Test func segmentsWithoutStatesAreNotJoined() throws {
        var rows = try (1...40).map { try Self.row($0) }
        for index in rows.indices where index % 8 == 0 { rows[index].isAnchored = false }
        var joinable = JoinableSegments(rows, [])
        while let sources = joinable.next() {
            let areAnchored = sources.allSatisfy(\.isAnchored)
            #expect(areAnchored)
            joinable.replace(sources, by: try Self.joined(sources))
        }
    }
}

@Suite struct SegmentJoiningTests {
    private static let stream = UUIDBytes(high: 0xAAAA_0000_0000_4004, low: 0x8000_0000_0000_0001)

    /// The files of `count` segments of one commit each.
    private static func fill(_ files: SegmentFiles, _ count: UInt64) throws -> [SegmentRow] {
        let moment = Instant.distantPast
        var file = try files.beginBaseImage(
            BaseImageHeader(stream: stream, pageSize: 512, commit: 0, low: moment, high: moment, pageCount: 1))
        try file.append([UInt8](repeating: 0, count: 512))
        var encoder = try SegmentEncoder(
            stream: stream, pageSize: 512, hashes: file.finish().hashes, databasePageCount: 1, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
        var rows: [SegmentRow] = []
        for number in 1...count {
            try encoder.append(
                CapturedCommit(
                    number: number, low: moment, high: moment, databasePageCount: 1, frame: 1, salts: 1,
                    changeCounter: nil, status: .published, attribution: .unknown, writers: [], checkpointer: [],
                    pages: [1], bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 512))
            ) { _ in nil }
            if let segment = try encoder.finish() { rows.append(try files.write(segment)) }
        }
        return rows
    }

    @Test func whatIsToBeJoinedIsJoinedAtOnceAndAfterAFailureLater() throws {
        let directory = try TemporaryDirectory()
        let files = SegmentFiles(directory: RawPath(directory.appending("segments")))
        var joining = SegmentJoining([], files: files)
        #expect(joining.wait(now: 5) == nil)
        let rows = try Self.fill(files, 33)
        joining.note(Array(rows[..<16])) { _ in nil }
        #expect(joining.wait(now: 5) == 0)
        let first = joining.join(now: 5)
        #expect(first?.sources == Array(rows[..<16]) && first?.row.level == 1)
        let none = joining.join(now: 5)
        #expect(none == nil && joining.wait(now: 5) == nil)
        // A base image is of the state behind the seventeenth.
        joining.note(Array(rows[16...])) { _ in 17 }
        // No file can be made where a directory is.
        let name = SegmentFiles.name(first: 18, last: 33)
        let place = files.directory(of: Self.stream).appending(name)
        try Files.makeDirectory(place)
        let failed = joining.join(now: 5)
        #expect(failed == nil && joining.wait(now: 5) == 60_000_000_000)
        try Files.removeDirectory(place)
        let early = joining.join(now: 50_000_000_000)
        #expect(early == nil)
        let second = joining.join(now: 61_000_000_000)
        #expect(second?.sources == Array(rows[17...]))
    }

    @Test func aFileThatIsNotWhatItsRowSaysIsLeftAlone() throws {
        let directory = try TemporaryDirectory()
        let files = SegmentFiles(directory: RawPath(directory.appending("segments")))
        let rows = try Self.fill(files, 32)
        var bytes = try files.contents(of: rows[3])
        bytes[bytes.count / 2] ^= 1
        try Files.write(bytes, to: files.path(of: rows[3]))
        var joining = SegmentJoining([], files: files)
        joining.note(rows) { _ in nil }
        let join = joining.join(now: 0)
        #expect(join?.sources == Array(rows[16...]))
    }
}
