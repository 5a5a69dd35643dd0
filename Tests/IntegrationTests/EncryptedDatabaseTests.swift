import TestSupport
import Testing

/// A database that SQLCipher writes: what is captured is ciphertext, and the key is nobody's business here.
extension EndToEnd {
    @Suite struct EncryptedDatabases {
        /// What SQLCipher says, with the key.
        private func ask(_ file: String, _ statements: [String]) throws -> String {
            let script = file + ".statements"
            let lines = ["PRAGMA key='not in the store';"] + statements
            try runSuccessfully(
                "sh", ["-c", "printf '%s\\n' \"$@\" > \"$0\"", script] + lines)
            let answer = try runSuccessfully("sh", ["-c", "sqlcipher -batch \"$0\" < \"$1\"", file, script]).outputText
            try runSuccessfully("rm", [script])
            return answer
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func itComesBackByteForByteAndItsRowsNeedTheKey() throws {
            let scene = try Scene(.ext4, options: ["--capture-wal", "**/secret.db"])
            defer { scene.close() }
            let path = scene.root + "/secret.db"
            var statements = ["PRAGMA journal_mode=wal;", "CREATE TABLE t(a INTEGER PRIMARY KEY, b);"]
            for number in 1...12 {
                statements += ["INSERT INTO t(b) VALUES(hex(randomblob(300)) || '\(number)');", ".shell sleep 0.05"]
            }
            // A base image, and then what changes the same pages again.
            statements += [".shell sleep 1", "UPDATE t SET b = 'changed' WHERE a < 5;", "UPDATE t SET b = 'again';"]
            // The last one is copied into the file when the connection is closed.
            _ = try ask(path, statements + [".shell sleep 1"])
            pause(milliseconds: 700)
            try scene.sync()

            let listed = try scene.varve(["db", "commits", path, "-o", "csv"])
            let rows = listed.outputText.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
            #expect(rows.count == 15, "\(listed.outputText)")
            // Ciphertext: nothing of a page is like anything before, and each takes what it takes.
            for row in rows {
                let (pages, bytes) = (Int(row[3]) ?? 0, Int(row[4]) ?? 0)
                #expect(pages > 0 && bytes >= pages * 1_000)
            }

            let last = scene.place + "/last.db"
            let restored = try scene.varve(["db", "restore", path, "--commit", "15", "-o", last])
            // It is there and has the state's hash; that SQLite cannot check it further is said.
            #expect(restored.status == 3 && restored.errorText.contains("key"), "\(restored.errorText)")
            try runSuccessfully("cmp", [last, path])
            let earlier = scene.place + "/earlier.db"
            _ = try scene.varve(["db", "restore", path, "--commit", "14", "-o", earlier])
            let count = "SELECT count(*) FROM t WHERE b = 'changed'; PRAGMA integrity_check;"
            #expect(try ask(earlier, [count]) == "4\nok\n")

            let diff = try scene.varve(["db", "diff", path, "--from", "14", "--to", "15"])
            #expect(diff.status != 0 && diff.outputText.isEmpty)
            let export = try scene.varve(["db", "export", path, "--commit", "15"])
            #expect(export.status != 0 && export.outputText.isEmpty && export.errorText.contains("key"))
            #expect(!export.errorText.contains("/var/tmp"), "\(export.errorText)")
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }
    }
}
