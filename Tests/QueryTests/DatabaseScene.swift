import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

@testable import Query

/// A store with one watched database, of which SQLite made a copy after every commit.
final class DatabaseScene {
    static let uuid = UUIDBytes(high: 0xBEEF_0000_0000_4001, low: 0x8000_0000_0000_0001)
    static let path = RawPath("/srv/app/main.db")

    let temporary: TemporaryDirectory
    let directory: RawPath
    let workload: DatabaseWorkload

    /// Commits `missing` are not stored: a gap stands for each range, and behind it a base image that is the copy after its
    /// last commit, with `rebases` one that holds only what changed. Those of `ofUnknownBeginning` stood in a log before
    /// anybody looked.
    init(
        _ kind: DatabaseWorkload.Kind = .mixed, commits: Int = 24, pageSize: UInt32 = 4_096, seed: UInt64 = 11,
        missing: [ClosedRange<UInt64>] = [], rebases: Bool = false, extraBaseAt: UInt64? = nil,
        ofUnknownBeginning: ClosedRange<UInt64>? = nil
    ) throws {
        temporary = try TemporaryDirectory()
        directory = RawPath(temporary.appending("store"))
        workload = try DatabaseWorkload(
            kind, in: temporary.appending("db"), seed: seed, commitCount: commits, pageSize: pageSize)
        var writer = try StoreWriter(directory: directory, create: true)
        let files = SegmentFiles(store: directory)
        var capture = CaptureRows()
        capture.streams = [
            DatabaseStream(
                uuid: Self.uuid, device: 1, inode: 2, birth: nil, paths: [RawPath("/srv/app/old.db"), Self.path],
                pageSize: pageSize, firstSeen: DatabaseWorkload.start)
        ]
        let (base, hashes) = try Self.base(workload.base, pageSize, commit: 0, files)
        capture.bases = [base]
        var encoder = try SegmentEncoder(
            stream: Self.uuid, pageSize: pageSize, hashes: hashes, databasePageCount: hashes.pageCount, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
        var image = workload.base
        for commit in workload.commits {
            let known = image
            image = try workload.copy(after: Int(commit.number))
            if let missing = missing.first(where: { $0.contains(commit.number) }) {
                guard commit.number == missing.upperBound else { continue }
                if let segment = try encoder.finish() { capture.segments.append(try files.write(segment)) }
                let gap = CaptureGap(
                    first: missing.lowerBound, last: missing.upperBound, missedCount: UInt64(missing.count),
                    low: DatabaseWorkload.moment(Int(missing.lowerBound)), high: commit.high, cause: .wrapped)
                capture.gaps.append(CaptureGapRow(stream: Self.uuid, gap: gap))
                let earlier = encoder.hashes
                try encoder.append(gap)
                var changes: PageChanges?
                if rebases, let earlier {
                    let later = Self.hashes(image, pageSize)
                    changes = PageChanges(since: earlier, builtOn: missing.lowerBound - 1, to: later)
                }
                let (base, hashes) = try Self.base(image, pageSize, commit: commit.number, files, changes)
                capture.bases.append(base)
                try encoder.rebase(hashes, databasePageCount: hashes.pageCount)
                continue
            }
            let size = Int(pageSize)
            var commit = commit
            if ofUnknownBeginning?.contains(commit.number) == true { commit.low = Instant(nanosecondsSinceEpoch: 0) }
            try encoder.append(commit) { page in
                let end = Int(page) * size
                return end <= known.count ? Array(known[end - size..<end]) : nil
            }
            let endsSegment = commit.number % 5 == 0 || commit.number == extraBaseAt
            if endsSegment, let segment = try encoder.finish() { capture.segments.append(try files.write(segment)) }
            if commit.number == extraBaseAt {
                capture.bases.append(try Self.base(image, pageSize, commit: commit.number, files).0)
            }
        }
        if let segment = try encoder.finish() { capture.segments.append(try files.write(segment)) }
        var additions = Additions()
        additions.capture = capture
        try writer.append(additions)
        try writer.sync()
    }

    private static func base(
        _ bytes: [UInt8], _ pageSize: UInt32, commit: UInt64, _ files: SegmentFiles, _ changes: PageChanges? = nil
    ) throws(StoreError) -> (BaseImageRow, PageHashes) {
        let high = DatabaseWorkload.moment(Int(commit)).advanced(byNanoseconds: 2_000_000)
        var file = try files.beginBaseImage(
            BaseImageHeader(
                stream: uuid, pageSize: pageSize, commit: commit, low: DatabaseWorkload.moment(Int(commit)), high: high,
                pageCount: UInt32(bytes.count / Int(pageSize))), changes: changes)
        let size = Int(pageSize)
        try file.append(changes?.pages.flatMap { bytes[Int($0 - 1) * size..<Int($0) * size] } ?? bytes)
        let end = try file.finish()
        return (end.row, end.hashes)
    }

    private static func hashes(_ bytes: [UInt8], _ pageSize: UInt32) -> PageHashes {
        var hashes = PageHashes(stream: uuid)
        let size = Int(pageSize)
        for page in 1...UInt32(bytes.count / size) {
            hashes.set(page, hashes.hash(of: page, bytes, Int(page - 1) * size..<Int(page) * size))
        }
        return hashes
    }

    func ask(
        _ format: OutputFormat = .jsonl, acceptsGaps: Bool = false, _ question: (QueryContext) throws -> AnswerStatus
    ) throws -> (status: AnswerStatus, text: String, messages: [String]) {
        let output = AnswerOutput(memoryAsTerminal: false)
        let messages = Messages(collecting: true)
        let context = QueryContext(
            storeDirectory: directory, format: format, acceptsGaps: acceptsGaps, output: output, messages: messages,
            zone: .utc)
        let status = try question(context)
        return (status, String(decoding: output.collected, as: UTF8.self), messages.collected)
    }

    /// What SQLite made of the database after a commit; empty where there is none.
    func copy(_ commit: Int) -> [UInt8] {
        (try? workload.copy(after: commit)) ?? []
    }

    /// Stores a loss that no number stands for.
    func lose(from: Instant, to: Instant, scope: RawPath?) throws {
        var writer = try StoreWriter(directory: directory, create: false)
        var additions = Additions()
        additions.gaps = [
            Gap(kind: .walMissed, from: from, to: to, count: nil, scope: scope, cause: "commits of a database: lost")
        ]
        try writer.append(additions)
    }

    /// Stores that its pages have another size now.
    func become(pageSize: UInt32) throws {
        var writer = try StoreWriter(directory: directory, create: false)
        var additions = Additions()
        additions.capture.streams = [
            DatabaseStream(
                uuid: Self.uuid, device: 1, inode: 2, birth: nil, paths: [Self.path], pageSize: pageSize,
                firstSeen: DatabaseWorkload.start)
        ]
        try writer.append(additions)
    }

    func commits(_ selection: Selection = Selection()) throws -> (
        status: AnswerStatus, text: String, messages: [String]
    ) {
        try ask { try DatabaseCommitsAnswer($0, selection, database: Self.path, absolute: Self.path).run() }
    }

    func history() throws -> DatabaseHistory {
        let reader = try StoreReader(directory: directory)
        return try DatabaseHistory(try #require(try reader.streams().first), reader)
    }

    func restore(
        _ point: DatabasePoint, to name: String = "out.db", database: RawPath = DatabaseScene.path
    ) throws -> (status: AnswerStatus, bytes: [UInt8]?, messages: [String]) {
        let target = RawPath(temporary.appending(name))
        let answer = try ask {
            try DatabaseRestoreAnswer($0, database: database, absolute: database, point: point, target: target).run()
        }
        let bytes = try? Files.contents(of: target, limit: 1 << 30)
        try? Files.unlink(target)
        return (answer.status, bytes, answer.messages)
    }
}
