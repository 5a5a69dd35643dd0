import Model
import Syscalls
import TestSupport
import Testing

/// Stores that are missing, not ours, or from the future: said in one line, and never touched.
extension EndToEnd {
    @Suite struct ForeignStore {
        @Test func aMissingStoreCannotBeRead() throws {
            let place = try TemporaryDirectory()
            for verb in [["events"], ["count"], ["gaps"], ["status"], ["verify"]] {
                let result = try run(BuiltPrograms.varve, verb + ["--store", place.appending("absent")])
                #expect(result.status == 4, "\(verb): \(result.errorText)")
                #expect(result.errorText.contains(place.appending("absent")))
                #expect(result.errorText.filter { $0 == "\n" }.count <= 3, "\(result.errorText)")
            }
        }

        @Test func aDatabaseThatIsNotOursIsLeftAlone() throws {
            let place = try TemporaryDirectory()
            let file = place.appending("varve.db")
            try runSuccessfully(
                "/usr/bin/sqlite3", [file, "create table other(x); insert into other values(1);"])
            let before = try Files.contents(of: RawPath(file))
            let result = try run(BuiltPrograms.varve, ["events", "--store", place.path])
            #expect(result.status == 4)
            #expect(try Files.contents(of: RawPath(file)) == before)
        }

        @Test func aTextFileIsNoStore() throws {
            let place = try TemporaryDirectory()
            try Files.write(
                Array("this is not a database, not even nearly one\n".utf8), to: RawPath(place.appending("varve.db")))
            #expect(try run(BuiltPrograms.varve, ["events", "--store", place.path]).status == 4)
        }

        @Test(Privilege.required) func theRecorderRefusesADatabaseThatIsNotOurs() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            try Files.makeDirectory(RawPath(scene.store))
            let file = scene.store + "/varve.db"
            try runSuccessfully(
                "/usr/bin/sqlite3", [file, "create table other(x); insert into other values(1);"])
            let before = try Files.contents(of: RawPath(file))
            let result = try run(BuiltPrograms.varved, ["--store", scene.store, scene.root])
            #expect(result.status == 73)
            #expect(result.errorText.contains(scene.store))
            #expect(try Files.contents(of: RawPath(file)) == before)
        }

        @Test(Privilege.required) func aStoreOfANewerSchemaIsRefusedByBoth() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            try scene.sync()
            #expect(try scene.stopRecorder() == 0)
            try scene.raiseSchemaVersion(to: 99)
            let recorder = try run(BuiltPrograms.varved, ["--store", scene.store, scene.root])
            #expect(recorder.status == 73)
            #expect(recorder.errorText.contains("99"))
            let query = try scene.varve(["events"])
            #expect(query.status == 4)
            #expect(query.errorText.contains("99"))
        }

        @Test(Privilege.required) func aStoreThatCannotBeMadeIsNamed() throws {
            let scene = try Scene(.tmpfs, startsRecorder: false)
            defer { scene.close() }
            let result = try run(BuiltPrograms.varved, ["--store", "/proc/none/store", scene.root])
            #expect(result.status == 73)
            #expect(result.errorText.contains("/proc/none"))
        }

        @Test(Privilege.required) func aDamagedBlockCostsItsEventsAndIsFound() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            for round in 0..<3 {
                var script = WorkloadScript()
                for number in 0..<50 { script.add("create", "\(round)-\(number)", "1") }
                _ = try scene.perform([script])
                try scene.sync()
            }
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
            let total = try scene.events(syncing: false).count
            _ = try scene.sql(
                """
                update block set data = zeroblob(length(data))
                where first_seq = (select max(first_seq) from block)
                """, readOnly: false)
            let verify = try scene.varve(["verify"])
            #expect(verify.status == 4, "\(verify.outputText)")
            let answer = try scene.varve(["events", "-o", "jsonl"])
            #expect(answer.status != 0 && answer.status != 1)
            #expect(try ReportedEvent.list(answer.output).count < total)
        }
    }
}
