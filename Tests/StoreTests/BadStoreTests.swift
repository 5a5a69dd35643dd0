import Model
import Store
import Syscalls
import TestSupport
import Testing

/// Directories that are no store, a store of somebody else or a damaged one: a named error, and not a byte is changed.
@Suite struct BadStoreTests {
    /// Every file's contents by name.
    static func contents(of directory: RawPath) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in try Files.names(in: directory) {
            contents[name.lossyText] = try Files.contents(of: directory.appending(name.bytes), limit: 64 << 20)
        }
        return contents
    }

    /// Both openers fail with `code` and nothing but the lock file changes.
    static func expectRefusal(_ scene: borrowing StoreScene, _ code: StoreError.Code, create: Bool = true) throws {
        var before = try contents(of: scene.path)
        let path = scene.path
        let reading = try StoreError.thrown { _ = try StoreReader(directory: path) }
        #expect(reading?.code == code, "\(String(describing: reading))")
        #expect(try contents(of: path) == before)
        let writing = try StoreError.thrown { _ = try StoreWriter(directory: path, create: create) }
        #expect(writing?.code == code, "\(String(describing: writing))")
        var after = try contents(of: path)
        before["alive"] = nil
        after["alive"] = nil
        #expect(after == before)
    }

    static func sqlite(_ scene: borrowing StoreScene, _ sql: String) throws {
        try runSuccessfully("sqlite3", [scene.layout.database.lossyText, sql])
    }

    @Test func aStoreOfANewerSchemaIsRefused() throws {
        let scene = try StoreScene()
        try scene.writer().close()
        try Self.sqlite(scene, "PRAGMA user_version=8")
        try Self.expectRefusal(scene, .newerSchema(8))
    }

    @Test func aDatabaseOfAnotherApplicationIsRefused() throws {
        let scene = try StoreScene()
        try Files.makeDirectory(scene.path)
        try Self.sqlite(scene, "PRAGMA application_id=7; CREATE TABLE t(a)")
        try Self.expectRefusal(scene, .notAStore)
    }

    @Test func aDatabaseWithoutAnApplicationIsRefused() throws {
        let scene = try StoreScene()
        try Files.makeDirectory(scene.path)
        try Self.sqlite(scene, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)")
        try Self.expectRefusal(scene, .notAStore)
    }

    @Test func aFileThatIsNoDatabaseIsRefused() throws {
        let scene = try StoreScene()
        try Files.makeDirectory(scene.path)
        try Files.write(Array(repeating: 0x41, count: 10_000), to: scene.layout.database)
        try Self.expectRefusal(scene, .notAStore)
    }

    @Test func aDirectoryWithoutAStoreIsNamed() throws {
        let scene = try StoreScene()
        try Files.makeDirectory(scene.path)
        try Self.expectRefusal(scene, .notAStore, create: false)
        let error = try #require(try StoreError.thrown { _ = try scene.reader() })
        #expect(error.description.contains("no varve.db"))
        #expect(error.description.contains(scene.path.lossyText))
    }

    @Test func aMissingDirectoryIsNamed() throws {
        let scene = try StoreScene()
        #expect(try StoreError.thrown { _ = try scene.reader() }?.code == .notAStore)
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() throws {
        let scene = try StoreScene()
        try Files.write([1], to: scene.path)
        let path = scene.path.appending(Array("below".utf8))
        #expect(try StoreError.thrown { _ = try StoreWriter(directory: path, create: true) }?.code == .cannotCreate)
    }

    @Test(arguments: [0, 50, 100, 4_000, 4_096, 9_000, 20_480])
    func aDatabaseCutShortIsRefused(byteCount: Int64) throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        try writer.heartbeat(AliveFileTests.heartbeat)
        try writer.compactAll()
        writer.close()
        for path in [scene.layout.wal, scene.layout.sharedMemory] { try Files.unlink(path) }
        try OwnedDescriptor.open(scene.layout.database, flags: 1).truncate(to: byteCount)
        let before = try Self.contents(of: scene.path)
        let codes: [StoreError.Code?] = [.corrupt, .notAStore]
        let reading = try StoreError.thrown { _ = try scene.reader().gaps() }
        #expect(codes.contains(reading?.code), "\(String(describing: reading))")
        let writing = try StoreError.thrown { _ = try scene.writer() }
        #expect(codes.contains(writing?.code), "\(String(describing: writing))")
        #expect(byteCount > 0 || writing?.code == .corrupt)
        var after = try Self.contents(of: scene.path)
        after["alive"] = before["alive"]
        #expect(after == before)
    }

    @Test func aMissingDatabaseBesideAFullLogIsNotStartedAnew() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        _ = try writer.beginRun(StoreScene.run(), coverage: [])
        writer.close()
        try Files.unlink(scene.layout.database)
        #expect(try StoreError.thrown { _ = try scene.writer() }?.code == .corrupt)
        #expect(!(try Files.names(in: scene.path).contains(RawPath("varve.db"))))
    }

    @Test func aCreationThatWasInterruptedIsFinished() throws {
        let scene = try StoreScene()
        try Files.makeDirectory(scene.path)
        try Files.write([], to: scene.layout.database)
        try scene.writer().close()
        _ = try scene.reader()
        let second = try StoreScene()
        try Files.makeDirectory(second.path)
        try Self.sqlite(second, "PRAGMA auto_vacuum=2; PRAGMA journal_mode=WAL")
        try second.writer().close()
        _ = try second.reader()
    }

    /// Opening a FIFO would wait for whoever writes into it.
    @Test(.timeLimit(.minutes(1)), arguments: ["varve.db", "varve.db-wal", "varve.db-shm"])
    func aPipeInTheStoreIsRefusedAtOnce(name: String) throws {
        let scene = try StoreScene()
        try scene.writer().close()
        let path = scene.path.appending(Array(name.utf8))
        if (try? path.status()) != nil { try Files.unlink(path) }
        try runSuccessfully("mkfifo", [path.lossyText])
        let directory = scene.path
        let refusal = try StoreError.thrown { _ = try StoreReader(directory: directory) }
        #expect(refusal?.code == .notAStore)
        #expect(refusal?.description.contains(name) == true)
    }
}
