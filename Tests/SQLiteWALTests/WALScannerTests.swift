import Model
import SQLiteWAL
import Syscalls
import TestSupport
import Testing

@Suite struct WALScannerTests {
    static let pageSizes = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536]

    @Test(arguments: pageSizes) func everyCommitOfARealFileIsRead(pageSize: Int) throws {
        let directory = try TemporaryDirectory()
        let seed = UInt64.random(in: 0..<1_000_000)
        let written = try WrittenDatabase(pageSize: pageSize, seed: seed, in: directory)
        let index = try #require(WrittenDatabase.index(of: written.index), "seed \(seed)")
        let (commits, _) = try #require(WrittenDatabase.commits(of: written.wal))
        let last = try #require(commits.last)
        #expect(commits.count == written.commitCount, "seed \(seed)")
        #expect(commits.count == Int(index.changeCounter), "seed \(seed)")
        #expect(last.frame == index.lastFrame)
        #expect(last.checksum == index.frameChecksum)
        #expect(last.databasePageCount == index.databasePageCount)
        let isSame = WrittenDatabase.apply(commits) == written.checkpointed
        #expect(isSame, "seed \(seed)")
    }

    @Test func theIndexNamesThePageOfEveryFrame() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("many.db")
        let writer = try SQLiteWriter()
        try writer.run(
            """
            c = connect('\(path)', page_size=512, wal_autocheckpoint=0)
            c.execute('create table t(a integer primary key, b)')
            for k in range(3500): c.execute('insert into t(b) values(zeroblob(700))')
            """)
        let wal = try Files.contents(of: RawPath(path + "-wal"), limit: 1 << 28)
        let map = try Files.contents(of: RawPath(path + "-shm"), limit: 1 << 28)
        guard case .header(let header) = WrittenDatabase.header(of: wal) else {
            Issue.record("no header")
            return
        }
        var scanner = unsafe WALScanner(wal.span.bytes, from: FrameChain(header))
        while case .frame(let frame, _) = scanner.next() {
            let place = Int(WALIndexHeader.mapOffset(ofFrame: scanner.chain.frame))
            let page = map[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            #expect(page == frame.page, "frame \(scanner.chain.frame)")
        }
        #expect(scanner.chain.frame > 4_062 + 4_096)
    }

    /// SQLite accepts and continues a file whose checksums read big-endian words.
    @Test(arguments: [512, 4_096]) func bothWordOrdersAreRead(pageSize: Int) throws {
        let directory = try TemporaryDirectory()
        let written = try WrittenDatabase(pageSize: pageSize, seed: 11, in: directory)
        let big = try Self.bigEndian(written.wal, pageSize: pageSize)
        let path = directory.appending("big.db")
        let database = try WrittenDatabase.checkpointed(database: written.database, wal: big, at: path)
        let isRead = database == written.checkpointed
        #expect(isRead, "SQLite itself reads it")
        let little = try #require(WrittenDatabase.commits(of: written.wal)).commits
        let swapped = try #require(WrittenDatabase.commits(of: big)).commits
        #expect(swapped.map(\.bytes) == little.map(\.bytes))
        #expect(swapped.map(\.pages) == little.map(\.pages))
        #expect(swapped.map(\.checksum) != little.map(\.checksum))
    }

    /// From the middle of a file, also with bytes that begin there.
    @Test func aChainGoesOnFromAnyCommit() throws {
        let directory = try TemporaryDirectory()
        let written = try WrittenDatabase(pageSize: 1_024, seed: 5, in: directory)
        let wal = written.wal
        let (commits, _) = try #require(WrittenDatabase.commits(of: wal))
        guard case .header(let header) = WrittenDatabase.header(of: wal) else { return }
        for (place, commit) in commits.enumerated() {
            let chain = FrameChain(
                order: header.order, pageSize: header.pageSize, salts: commit.salts, frame: commit.frame,
                checksum: commit.checksum)
            var reader = CommitReader(from: chain, maximumCommitByteCount: 1 << 30)
            let offset = header.pageSize.offset(ofFrame: commit.frame + 1)
            let rest = Array(wal[Int(offset)...])
            _ = unsafe reader.take(rest.span.bytes, at: offset, upTo: .max - 1)
            #expect(reader.commits == Array(commits[(place + 1)...]))
        }
    }

    /// Behind the frames of a restarted log the old generation still stands and can be proved from where one was.
    @Test func theResidueOfARestartedLogIsRead() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("residue.db")
        let writer = try SQLiteWriter()
        try writer.run(
            """
            c = connect('\(path)', wal_autocheckpoint=0)
            c.execute('create table t(a integer primary key, b)')
            for k in range(20): c.execute('insert into t(b) values(zeroblob(3000))')
            """)
        let before = try Files.contents(of: RawPath(path + "-wal"), limit: 1 << 28)
        let (old, _) = try #require(WrittenDatabase.commits(of: before))
        try writer.run(
            """
            c.execute('pragma wal_checkpoint(full)').fetchall()
            c.execute("insert into t(b) values('new')")
            """)
        let after = try Files.contents(of: RawPath(path + "-wal"), limit: 1 << 28)
        guard case .header(let header) = WrittenDatabase.header(of: before) else { return }
        let (new, end) = try #require(WrittenDatabase.commits(of: after))
        #expect(new.count == 1)
        #expect(end == .saltMismatch)
        for (place, commit) in old.enumerated() {
            var reader = CommitReader(
                from: FrameChain(
                    order: header.order, pageSize: header.pageSize, salts: commit.salts, frame: commit.frame,
                    checksum: commit.checksum), maximumCommitByteCount: 1 << 30)
            _ = unsafe reader.take(after.span.bytes, at: 0, upTo: .max - 1)
            let isOverwritten = commit.frame < new[0].frame
            #expect(reader.commits == (isOverwritten ? [] : Array(old[(place + 1)...])), "from frame \(commit.frame)")
        }
    }

    /// `psow=0` with synchronous=FULL fills the last sector of each transaction with its commit frame.
    @Test func framesThatOnlyFillASectorAreFoundOut() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("padded.db")
        let writer = try SQLiteWriter()
        try writer.run(
            """
            c = sqlite3.connect('file:\(path)?psow=0', uri=True, isolation_level=None)
            c.execute('pragma journal_mode=wal').fetchall()
            c.execute('pragma synchronous=full')
            c.execute('create table t(a)')
            for k in range(5): c.execute('insert into t values(?)', (k,))
            """)
        let wal = try Files.contents(of: RawPath(path + "-wal"), limit: 1 << 28)
        let index = try #require(
            WrittenDatabase.index(of: Files.contents(of: RawPath(path + "-shm"), limit: 1 << 20)))
        let (commits, _) = try #require(WrittenDatabase.commits(of: wal))
        #expect(commits.count > Int(index.changeCounter))
        let collapsed = WALCommit.withoutPadding(commits)
        #expect(collapsed.count == Int(index.changeCounter))
        #expect(collapsed.last?.lastFrame == index.lastFrame)
        #expect(WrittenDatabase.apply(collapsed) == WrittenDatabase.apply(commits))
    }

    /// The same log with checksums over big-endian words, computed by the plain rule.
    static func bigEndian(_ wal: [UInt8], pageSize: Int) throws -> [UInt8] {
        var result = wal
        result[3] = 0x83
        var sum = PlainChecksum.of(result[0..<24], isBigEndian: true)
        result.replaceSubrange(24..<32, with: WALHeaderTests.bigEndian(sum.0) + WALHeaderTests.bigEndian(sum.1))
        for start in stride(from: 32, through: wal.count - 24 - pageSize, by: 24 + pageSize) {
            guard wal[start + 8..<start + 16] == wal[16..<24] else { break }
            let input = wal[start..<start + 8] + wal[start + 24..<start + 24 + pageSize]
            sum = PlainChecksum.of(input, isBigEndian: true, seed: sum)
            result.replaceSubrange(
                start + 16..<start + 24, with: WALHeaderTests.bigEndian(sum.0) + WALHeaderTests.bigEndian(sum.1))
        }
        return result
    }
}
