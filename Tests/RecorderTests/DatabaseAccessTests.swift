import Model
import Syscalls
import TestSupport
import Testing

@testable import Recorder

@Suite struct DatabaseAccessTests {
    private static func opens(_ path: String, store: String? = nil) -> Bool {
        DatabaseAccess(store: store.map { RawPath($0) }, readsAsUser: false).open(RawPath(path)) != nil
    }

    /// A descriptor of a file of its own store, opened and closed under any name, would end the locks that SQLite holds.
    @Test(arguments: ["", "-wal", "-shm"]) func theStoreItselfIsOpenedUnderNoName(_ suffix: String) throws {
        let directory = try TemporaryDirectory()
        let store = directory.appending("store")
        let own = store + "/varve.db"
        let other = directory.appending("other.db")
        try runSuccessfully("mkdir", [store])
        let writer = try SQLiteWriter()
        for (name, path) in [("own", own), ("other", other)] {
            try writer.run("\(name) = connect('\(path)')\n\(name).execute('create table t(a)')")
        }
        #expect(Self.opens(own))
        #expect(!Self.opens(own, store: store))
        #expect(Self.opens(other, store: store))

        // A file of the store among those of another database.
        try runSuccessfully("mv", [other + suffix, directory.appending("away")])
        try runSuccessfully("ln", [own + suffix, other + suffix])
        guard suffix == "-shm" else {
            #expect(!Self.opens(other, store: store))
            return
        }
        // Without an index a database can be read still.
        var files = try DatabaseFiles(
            RawPath(other), access: DatabaseAccess(store: RawPath(store), readsAsUser: false))
        files.findIndex()
        let open = try Files.names(in: RawPath("/proc/self/fd")).compactMap {
            try? Files.readLink(RawPath("/proc/self/fd/" + $0.lossyText)).lossyText
        }
        #expect(open.contains(other + "-wal"))
        #expect(!open.contains(other + "-shm") && !open.contains(own + "-shm"))
        _ = consume files
    }

    @Test func nothingButRegularFilesIsOpened() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("a.db")
        let writer = try SQLiteWriter()
        try writer.run("k = connect('\(path)')\nk.execute('create table t(a)')")
        #expect(Self.opens(path))
        try runSuccessfully("mv", [path, path + ".away"])
        for command in [["ln", "-s", path + ".away", path], ["mkfifo", path], ["mkdir", path]] {
            try runSuccessfully(command[0], Array(command.dropFirst()))
            #expect(!Self.opens(path))
            try runSuccessfully("rm", ["-r", path])
        }
    }

    /// Each is something that SQLite would not have made, or that is not for the recorder to read.
    @Test func whyALogCannotBeOpenedIsSaid() throws {
        let directory = try TemporaryDirectory()
        let path = directory.appending("a.db")
        let access = DatabaseAccess(store: RawPath(directory.appending("store")), readsAsUser: false)
        #expect(access.logProblem(of: RawPath(path)) == nil, "there is none")
        for command in [["ln", "-s", "nothing", path + "-wal"], ["mkfifo", path + "-wal"], ["mkdir", path + "-wal"]] {
            try runSuccessfully(command[0], Array(command.dropFirst()))
            #expect(access.logProblem(of: RawPath(path)) == "its log is no regular file")
            try runSuccessfully("rm", ["-r", path + "-wal"])
        }
        try Files.write([], to: RawPath(path + "-wal"))
        #expect(access.logProblem(of: RawPath(path)) == nil)
        // Of the recorder's own store nothing is said under any name.
        try runSuccessfully("mkdir", [directory.appending("store")])
        try runSuccessfully("ln", [path + "-wal", directory.appending("store/varve.db")])
        #expect(access.logProblem(of: RawPath(path)) == nil)
    }
}
