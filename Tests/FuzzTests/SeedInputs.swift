import Block
import FuzzTargets
import Model
import Segment
import Syscalls
import TestSupport

/// Inputs that are what their target reads, made by the encoders and by SQLite itself: where fuzzing begins.
struct SeedInputs {
    /// Of one target, each of them different.
    static func make(_ target: FuzzTarget) throws -> [[UInt8]] {
        switch target {
        case .block: try blocks()
        case .segment: try segments()
        case .base: try bases()
        case .log: try logs()
        case .rows: try rows()
        case .scan: try blocks().enumerated().map { [UInt8(truncatingIfNeeded: $0 * 37), 0x11, 0x03, 40, 200] + $1 }
        }
    }

    private static func blocks() throws -> [[UInt8]] {
        // Level 0 leaves contents as they are, so that every byte of them can be hit.
        var encoder = BlockEncoder(level: 0, filterKey: BlockBytes.key)
        var merger = BlockMerger(level: 0, filterKey: BlockBytes.key, rowGroupEventCount: 8)
        var inputs: [[UInt8]] = []
        var sequence: UInt64 = 1
        for count in [1, 5, 20] {
            let block = try encoder.encode(
                batch(count), firstSequence: sequence, run: RunIdentity(run: 1, bootID: UUIDBytes(high: 5, low: 6)),
                origin: BlockOrigin(
                    store: UUIDBytes(high: 1, low: 2), machineID: UUIDBytes(high: 3, low: 4), hostName: RawPath("host"))
            )
            sequence = block.endSequence
            inputs.append(block.bytes)
            try merger.append(BlockReader(block.bytes))
        }
        return inputs + [try merger.finish().bytes]
    }

    private static func batch(_ count: Int) -> Batch {
        var batch = Batch()
        var process = ActorProcess(instance: 1, pid: 4_711, firstSeen: moment(0))
        process.exe = RawPath("/usr/bin/cp")
        process.commandLine = RawPath("cp a b")
        process.controlGroup = RawPath("/system.slice/a.service")
        batch.processes.append(process)
        batch.windows.append(
            TimeWindow(earliest: moment(0), time: moment(1), clockOffsetNanoseconds: 1_600_000_000_000_000_000))
        let directory = batch.paths.internDirectory(parent: 0, name: Array("srv".utf8))
        for index in 0..<count {
            let path = batch.paths.internPath(directory: directory, name: Array("file-\(index / 2)".utf8))
            batch.append(
                window: 0, process: index % 3 == 2 ? .absent : 0, path: path, target: index % 5 == 4 ? path : .absent,
                object: FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: UInt64(index + 2), generation: 3),
                mask: index % 5 == 4 ? .rename : EventMask(rawValue: 1 << UInt32(index % 13)),
                flags: EventFlags(rawValue: UInt8(index % 4)))
        }
        batch.facts.append(ProcessFact(instance: 1, kind: .exited, moment: moment(2), status: 256))
        return batch
    }

    private static func moment(_ second: Int64) -> Instant {
        Instant(nanosecondsSinceEpoch: 1_790_000_000_000_000_000 + second * 1_000_000_000)
    }

    private static func segments() throws -> [[UInt8]] {
        var joiner = try SegmentJoiner()
        for segment in try segments(commits: 3, each: 1) { _ = try joiner.append(segment.bytes) }
        let all = try segments(commits: 1, each: 1) + segments(commits: 3, each: 3) + [joiner.finish()]
        return try all.map { segment in
            let content = try SegmentTable.content(of: segment)
            let start = segment.header.byteCount
            let blocks = segment.bytes[start..<SegmentIndex.tableOffset(segment.header)]
            return segment.bytes.prefix(start) + counted(content) + blocks
        }
    }

    /// Of a database, with `each` commits in each of them.
    private static func segments(commits count: Int, each: UInt64) throws -> [EncodedSegment] {
        let directory = try TemporaryDirectory()
        let workload = try DatabaseWorkload(
            .rows, in: directory.appending("\(count)"), seed: 1, commitCount: count, pageSize: 512, copies: false)
        let stream = UUIDBytes(high: 0x0123_4567_89AB_4CDE, low: 0x8123_4567_89AB_CDEF)
        var hashes = PageHashes(stream: stream)
        hashes.resize(to: UInt32(workload.base.count / 512))
        var encoder = try SegmentEncoder(
            stream: stream, pageSize: 512, hashes: hashes, databasePageCount: hashes.pageCount, lastCommit: 0,
            lastHash: EventsHash(high: 0, low: 0))
        var segments: [EncodedSegment] = []
        for commit in workload.commits {
            try encoder.append(commit) { _ in [UInt8](repeating: 0, count: 512) }
            if commit.number % each == 0, let segment = try encoder.finish() { segments.append(segment) }
        }
        return segments
    }

    private static func bases() throws -> [[UInt8]] {
        try [1, 5].map { pageCount in
            let header = BaseImageHeader(
                stream: UUIDBytes(high: 1, low: 2), pageSize: 512, commit: 7, low: moment(0), high: moment(1),
                pageCount: UInt32(pageCount))
            var encoder = try BaseImageEncoder(header)
            var bytes = encoder.start
            for page in 0..<pageCount {
                try encoder.append((0..<512).map { UInt8(truncatingIfNeeded: $0 / 16 * page) }, to: &bytes)
            }
            let end = try encoder.finish()
            return bytes + end.bytes
        } + [try rebase()]
    }

    /// Of a database of five empty pages that lost one and had two of the others changed.
    private static func rebase() throws -> [UInt8] {
        let stream = UUIDBytes(high: 1, low: 2)
        var before = PageHashes(stream: stream)
        before.resize(to: 5)
        var after = before
        after.resize(to: 4)
        let page = (0..<512).map { UInt8(truncatingIfNeeded: $0 / 16) }
        for number in [2, 4] as [UInt32] { after.set(number, after.hash(of: number, page, 0..<page.count)) }
        let header = BaseImageHeader(
            stream: stream, pageSize: 512, commit: 9, low: moment(0), high: moment(1), pageCount: 4)
        var encoder = try BaseImageEncoder(header, changes: PageChanges(since: before, builtOn: 7, to: after))
        var bytes = encoder.start
        try encoder.append(page + page, to: &bytes)
        let end = try encoder.finish()
        return bytes + end.bytes
    }

    private static func logs() throws -> [[UInt8]] {
        let directory = try TemporaryDirectory()
        let writer = try SQLiteWriter()
        let path = directory.appending("log.db")
        var stages: [UInt8] = []
        var inputs: [[UInt8]] = []
        for step in [
            "c = connect('\(path)', page_size=512, wal_autocheckpoint=0)\nc.execute('create table t(a, b)')\n0",
            "c.execute('insert into t values(1, zeroblob(700))')\n0",
            "c.execute('pragma wal_checkpoint(restart)')\nc.execute('insert into t values(2, 2)')\n0",
        ] {
            _ = try writer.number(step)
            let log = try Files.contents(of: RawPath(path + "-wal"), limit: 1 << 20)
            let index = try Files.contents(of: RawPath(path + "-shm"), limit: 1 << 20).prefix(160)
            stages += counted(log) + counted(Array(index))
            inputs.append([UInt8(0x43 | inputs.count << 2)] + stages)
        }
        return inputs
    }

    private static func rows() throws -> [[UInt8]] {
        let directory = try TemporaryDirectory()
        let writer = try SQLiteWriter()
        var inputs: [[UInt8]] = []
        for (number, schema) in [
            "create table t(a integer primary key, b, c)", "create table t(a, b, c, primary key(a, b)) without rowid",
        ].enumerated() {
            let path = directory.appending("rows-\(number).db")
            let states = try [
                "insert into t values(1, 'one', zeroblob(900)), (2, 2.5, null), (3, x'00', -1)",
                "update t set c = 'longer than before' where a = 1",
            ].map { change in
                _ = try writer.number(
                    """
                    import sqlite3
                    d = sqlite3.connect('\(path)')
                    d.execute('pragma page_size=512')
                    d.execute(\"\"\"\(schema.replacingTable)\"\"\")
                    d.execute(\"\"\"\(change)\"\"\")
                    d.commit()
                    d.close()
                    0
                    """)
                return try Files.contents(of: RawPath(path), limit: 1 << 20)
            }
            inputs.append(counted(states[0]) + states[1])
        }
        return inputs
    }

    private static func counted(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count), UInt8(truncatingIfNeeded: bytes.count >> 8)] + bytes
    }
}

extension String {
    /// The same statement, of a table that may be there already.
    fileprivate var replacingTable: String { "create table if not exists" + dropFirst("create table".count) }
}
