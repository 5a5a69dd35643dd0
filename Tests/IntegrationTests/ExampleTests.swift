import FoundationEssentials
import Model
import Syscalls
import TestSupport
import Testing

/// The examples of the man pages, run as somebody types them.
extension EndToEnd {
    @Suite struct Examples {
        /// A recording in which every example finds something.
        private struct Setting {
            let scene: Scene
            let archive: String
            let writer: SQLiteWriter
            /// A program that lived at `then`, an event of its, and its database's last commit by then.
            var pid: Int32 = 0
            var sequence: UInt64 = 0
            var commit = 0
            /// Moments before all of it, in the midst of it, and behind it.
            var before = ""
            var then = ""
            var after = ""

            /// The example with the names, moments and numbers of this recording in place of its own.
            func real(_ example: String) -> String {
                let words = [
                    ("4711@-10m", "\(pid)@\(then)"), ("around 4711", "around \(sequence)"),
                    ("'2026-11-23 13:00'", then), ("13:00", before), ("13:05", after),
                    ("--commit 12", "--commit \(commit)"), ("--from 11 --to 12", "--from \(commit - 1) --to \(commit)"),
                    ("/backup/varve", archive), ("/srv", "\(scene.root)/srv"), ("/etc", "\(scene.root)/etc"),
                    ("/home", "\(scene.root)/home"),
                ]
                let named = words.reduce(example) { $0.replacing($1.0, with: $1.1) }
                // Ranges such as --since yesterday begin before the recording.
                return named.replacing(/\bvarve (db \w+|archive \w+|\w+)/) { "\($0.0) --accept-gaps" }
            }
        }

        private static func now() throws -> String {
            "@" + (try runSuccessfully("date", ["+%s.%N"]).outputText).filter { $0 != "\n" }
        }

        private static func recorded(_ scene: Scene) throws -> Setting {
            let archive = "\(scene.place)/archive"
            let options = ["--capture-wal", "**", "--archive", archive]
            try runSuccessfully(
                "/bin/sh", ["-c", "mkdir -p '\(scene.root)/srv/www' && touch '\(scene.root)/srv/www/old'"])
            try scene.startRecorder(options: options)
            // The time until the next one runs is a gap.
            try scene.killRecorder()
            try scene.startRecorder(options: options)
            var setting = Setting(scene: scene, archive: archive, writer: try SQLiteWriter())
            setting.pid = setting.writer.pid
            func work(_ name: String) throws {
                try runSuccessfully(
                    "/bin/sh",
                    [
                        "-ec",
                        """
                        cd '\(scene.root)'
                        mkdir -p srv/www etc home && chmod 777 home
                        echo 1 > etc/passwd && echo 1 > etc/\(name).conf && echo 1 > srv/www/\(name)
                        rm -f srv/www/old
                        echo 1 > srv/www/gone && echo 2 >> srv/www/gone && rm srv/www/gone
                        setpriv --reuid=1000 --regid=1000 --clear-groups touch home/\(name)
                        """,
                    ])
                try setting.writer.run("open('\(scene.root)/etc/\(name)', 'w').close()")
            }
            setting.before = try now()
            try setting.writer.run(
                "c = connect('\(scene.root)/srv/app.db') if os.makedirs('\(scene.root)/srv', exist_ok=True) is None else 0\n"
                    + "c.execute('create table users(name)')")
            try work("first")
            func commits() throws -> [Int] {
                try scene.varve(["db", "commits", "\(scene.root)/srv/app.db", "-o", "jsonl"]).lines.compactMap {
                    $0.firstMatch(of: /"commit":(\d+)/).flatMap { Int($0.1) }
                }
            }
            func insert() throws {
                try setting.writer.run("c.execute(\"insert into users values('somebody')\")")
                pause(milliseconds: 50)
            }
            for _ in 0..<100 {
                try insert()
                if try scene.varve(["db", "list", "-o", "jsonl"]).outputText.contains(/"base_images":[1-9]/) { break }
            }
            for _ in 0..<3 { try insert() }
            pause(milliseconds: 500)
            try scene.sync()
            setting.commit = try #require(try commits().last)
            setting.sequence = try #require(
                try scene.events().last { $0.pid == setting.pid && $0.path?.lossyText.contains("/srv/") ?? false }?.seq)
            try work("second")
            setting.then = try now()
            try work("third")
            try insert()
            pause(milliseconds: 500)
            try scene.sync()
            setting.after = try now()
            return setting
        }

        /// The lines of a page's examples.
        private static func examples(in page: String) throws -> [String] {
            let lines = try Files.contents(of: RawPath(page)).split(separator: UInt8(ascii: "\n"))
                .map { String(decoding: $0, as: UTF8.self) }
            guard let first = lines.firstIndex(of: ".SH EXAMPLES") else { return [] }
            return lines[first...].filter { $0.hasPrefix("varve") }.map {
                $0.split(separator: "\\-", omittingEmptySubsequences: false).joined(separator: "-")
                    .split(separator: "\\e", omittingEmptySubsequences: false).joined(separator: "\\")
            }
        }

        @Test(Privilege.required) func examplesFindSomething() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let setting = try Self.recorded(scene)
            let pages = "\(scene.place)/man1"
            var verbs: Set<String> = []
            // As somebody types it: the program is found, the store is the standard one.
            let program = BuiltPrograms.varve.split(separator: "/", omittingEmptySubsequences: false)
            let path = program.dropLast().joined(separator: "/")
            for page in try Manual.pages(of: BuiltPrograms.varve, section: "1", in: pages) {
                let examples = try Self.examples(in: "\(pages)/\(page)")
                if !examples.isEmpty { verbs.insert(page) }
                for line in examples {
                    #expect(line.utf8.count <= 80, "'\(line)' is more than a line of help")
                    let command =
                        "export PATH='\(path)':$PATH STATE_DIRECTORY='\(scene.store)'; set -o pipefail; "
                        + setting.real(line)
                    // Where the files that examples make are gone with the scene.
                    func result() throws -> CommandResult {
                        try run("/bin/bash", ["-c", command], directory: scene.place, timeoutSeconds: 60)
                    }
                    var answer = try result()
                    // The archive follows the store.
                    for _ in 0..<100 where answer.status == 3 && line.hasPrefix("varve archive restore") {
                        pause(milliseconds: 200)
                        answer = try result()
                    }
                    // What cannot be recorded here is the machine's.
                    let isExpected = answer.status == 0 || line.hasPrefix("varve doctor") && answer.status == 3
                    #expect(isExpected, "\(command): \(answer.status) \(answer.outputText) \(answer.errorText)")
                }
            }
            // Every command has some, but those that only have subcommands.
            let without = try Files.names(in: RawPath(pages)).map(\.lossyText).filter { !verbs.contains($0) }
            #expect(Set(without) == ["varve.1", "varve-db.1", "varve-archive.1"])
        }
    }
}
