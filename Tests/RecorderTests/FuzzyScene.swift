import Block
import Model
import SQLiteWAL
import Segment
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// A writer in another process, a machine that finds its commits, and what SQLite made of the database after each.
final class FuzzyScene {
    let path: String
    let writer: SQLiteWriter
    let directory: TemporaryDirectory
    private let open: OpenFiles
    private var machine = CaptureMachine(isFresh: false)
    /// Where each commit ended, and the file that a checkpoint makes of the database then.
    private(set) var kept: [LogPlace: String] = [:]
    private var clock: Int64 = 1
    static let stream = UUIDBytes(high: 0xAAAA_0000_0000_4002, low: 0x8000_0000_0000_0002)

    private final class OpenFiles {
        var files: DatabaseFiles

        init(_ path: String) throws { files = try DatabaseFiles(RawPath(path)) }
    }

    init(pageSize: Int = 1_024) throws {
        directory = try TemporaryDirectory()
        path = directory.appending("subject.db")
        writer = try SQLiteWriter()
        try writer.run(
            """
            import shutil, subprocess
            path, kept_count = '\(path)', 0
            c = connect(path, page_size=\(pageSize), wal_autocheckpoint=0, synchronous=0)
            c.execute('create table t(a integer primary key, b)')
            c.executemany('insert into t(b) values(randomblob(?))', [(600,) for _ in range(120)])
            def keep():
                global kept_count
                kept_count += 1
                name = path + '.' + str(kept_count)
                for end in ('', '-wal'): subprocess.run(['cp', path + end, name + end], check=True)
                d = sqlite3.connect(name, isolation_level=None)
                d.execute('pragma wal_checkpoint(truncate)').fetchall()
                d.close()
                return name
            None
            """)
        open = try OpenFiles(path)
        try step()
        try keep()
    }

    func index() throws -> WALIndexHeader { try BaseCopy.index(of: &open.files) }

    func place() throws -> LogPlace {
        let index = try index()
        return LogPlace(salts: index.salts.rawValue, frame: index.lastFrame)
    }

    /// One transaction, and what it made of the database.
    func commit(_ statement: String) throws {
        try writer.run("c.execute(\"\(statement)\").fetchall()")
        try keep()
    }

    func checkpoint(_ mode: String) throws {
        try writer.run("c.execute('pragma wal_checkpoint(\(mode))').fetchall()")
    }

    private func keep() throws { kept[try place()] = try writer.run("keep()") }

    /// The commits since the last call; nil where some are missing.
    @discardableResult
    func step() throws -> [CapturedCommit]? {
        var commits: [CapturedCommit] = []
        while true {
            clock += 1_000_000_000
            let step = try machine.step(&open.files, now: clock)
            for finding in step.findings {
                guard case .commit(let commit, _) = finding else { return nil }
                commits.append(captured(commit))
            }
            if step.state == .level || step.state == .empty { return commits }
        }
    }

    private func captured(_ commit: WALCommit) -> CapturedCommit {
        CapturedCommit(
            number: 1, low: .distantPast, high: .distantPast, databasePageCount: commit.databasePageCount,
            frame: commit.frame, salts: commit.salts.rawValue, changeCounter: nil, status: .published,
            attribution: .unknown, writers: [], checkpointer: [], pages: commit.pages, bytes: commit.bytes)
    }

    var limits: BaseCopy.Limits {
        var limits = BaseCopy.Limits()
        limits.pieceByteCount = 12_288
        return limits
    }

    func begin(after place: LogPlace, comparedWith compared: PageHashes? = nil) throws -> FuzzyCopy? {
        try FuzzyCopy.begin(
            after: place, of: Self.stream, DatabaseFiles(RawPath(path)), to: CopyFile(in: RawPath(directory.path)),
            comparedWith: compared, limits)
    }

    func begin(with first: CapturedCommit, comparedWith compared: PageHashes? = nil) throws -> FuzzyCopy {
        try FuzzyCopy(
            with: first, of: Self.stream, DatabaseFiles(RawPath(path)), to: CopyFile(in: RawPath(directory.path)),
            comparedWith: compared, limits)
    }

    /// Of what SQLite made of the database after some commit.
    func someHashes(_ generator: inout SeededGenerator) throws -> PageHashes {
        let file = try #require(kept.values.sorted().randomElement(using: &generator))
        let bytes = try Files.contents(of: RawPath(file), limit: 1 << 26)
        let size = Int(try index().pageSize.byteCount)
        var hashes = PageHashes(stream: Self.stream)
        for page in 1...UInt32(bytes.count / size) {
            hashes.set(page, hashes.hash(of: page, bytes, Int(page - 1) * size..<Int(page) * size))
        }
        return hashes
    }

    /// A complete copy is, byte for byte, what SQLite made of the database after that commit; of one that was compared
    /// with another state, what is not the same in that.
    func check(_ copy: FuzzyCopy, at place: LogPlace, comparedWith compared: PageHashes? = nil) throws {
        let hashes = try copy.finish()
        let file = try #require(kept[place])
        let expected = try Files.contents(of: RawPath(file), limit: 1 << 26)
        var found: [UInt8] = []
        while try copy.file.descriptor.read(upTo: 1 << 20, at: Int64(found.count), appendingTo: &found) > 0 {}
        let isSame = copy.isSparse || found == expected
        #expect(isSame && found.count == expected.count, "\(copy.pageCount) pages at \(place)")
        let size = found.count / max(1, Int(copy.pageCount))
        for page in 1...copy.pageCount {
            let range = Int(page - 1) * size..<Int(page) * size
            #expect(hashes[page] == hashes.hash(of: page, expected, range), "page \(page)")
            guard copy.isSparse, let compared, compared[page] != hashes[page] else { continue }
            #expect(found[range] == expected[range], "page \(page)")
        }
    }
}
