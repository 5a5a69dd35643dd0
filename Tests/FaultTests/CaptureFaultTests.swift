import FoundationEssentials
import Model
import TestSupport
import Testing

/// The capture of databases while the recorder stands still, or its disk is full: what is missing is counted.
extension Faults {
    @Suite struct CaptureFaults {
        private struct ReportedDatabase: Decodable {
            var commits: Int
            var missed: Int
            var gaps: Int
        }

        private func database(_ scene: Scene) throws -> ReportedDatabase {
            let line = try #require(try scene.varve(["db", "list", "-o", "jsonl"]).lines.first)
            return try JSONDecoder().decode(ReportedDatabase.self, from: Data(line.utf8))
        }

        private func write(_ arguments: [String], _ scene: Scene) throws -> BackgroundProgram {
            try BackgroundProgram(
                ["/usr/bin/python3", BuiltPrograms.databaseWorkload] + arguments, in: scene.place)
        }

        /// How many transactions it committed, when it ends.
        private func count(_ writer: BackgroundProgram) throws -> Int {
            #expect(try writer.wait() == 0, "\(writer.errorText)")
            return try #require(Int(String(decoding: writer.standardOutput, as: UTF8.self).dropLast()))
        }

        /// Waits until the store accounts for so many commits.
        private func settled(_ count: Int, _ scene: Scene) throws -> ReportedDatabase {
            var known = try database(scene)
            for _ in 0..<100 where known.commits + known.missed < count {
                pause(milliseconds: 200)
                known = try database(scene)
            }
            return known
        }

        /// With its connection open to the end, or closed while nobody looked.
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: [3, 6])
        func whatIsCommittedWhileTheRecorderStandsStillIsCounted(writerSeconds: Int) throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**"])
            defer { scene.close() }
            let path = scene.root + "/fast.db"
            let writer = try write([path, "fast", "\(writerSeconds)"], scene)
            pause(milliseconds: 1_000)
            try scene.pauseRecorder()
            pause(milliseconds: 4_000)
            try scene.resumeRecorder()
            // Its two tables were commits as well.
            let written = try count(writer) + 2
            pause(milliseconds: 1_000)
            try scene.sync()
            let known = try settled(written, scene)
            print("\(written) written: \(known)")
            #expect(known.commits + known.missed == written)
            #expect(known.missed > 0 && known.gaps > 0)
            #expect(try scene.varve(["db", "commits", path, "-o", "jsonl"]).status == 3)
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatAFullDiskDoesNotTakeIsCounted() throws {
            let scene = try Scene(.ext4, startsRecorder: false, storeMiB: 12)
            defer { scene.close() }
            try scene.startRecorder(
                options: ["--min-free", "0", "--commit-interval", "50ms", "--capture-wal", "**"])
            let path = scene.root + "/subject.db"
            var written = try count(try write([path, "steps", "20"], scene)) + 2
            try scene.sync()
            #expect(try settled(written, scene).commits == written)

            try scene.fillStoreFilesystem()
            written += try count(try write([path, "steps", "100"], scene))
            #expect(scene.recorderIsRunning)
            try scene.emptyStoreFilesystem()
            pause(milliseconds: 3_000)
            written += try count(try write([path, "steps", "40"], scene))
            pause(milliseconds: 700)
            try scene.sync()

            let known = try settled(written, scene)
            let causes = try scene.sql("SELECT DISTINCT cause FROM capture_gap")
            print("\(written) written: \(known), causes \(causes)")
            #expect(known.commits + known.missed == written)
            #expect(known.missed > 0)
            #expect(try scene.gaps().contains { $0.type == "wal_missed" })
            // What came after builds on what the file held, and the events were recorded all the time.
            let file = scene.place + "/last.db"
            let restored = try scene.varve(["db", "restore", path, "--at", "now", "-o", file])
            #expect(restored.status == 0, "\(restored.errorText)")
            #expect(
                try runSuccessfully("sqlite3", [file, "SELECT count(*) FROM audit"]).lines == ["\(written - 2)"])
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }
    }
}
