import FoundationEssentials
import Model
import TestSupport
import Testing

/// One line of `varve file -o jsonl`.
private struct Line: Decodable, Equatable {
    var life: Int
    var what: String
    var path: String
    var target: String?
    var count: Int
    var pid: Int32?
    var exe: String?
}

extension EndToEnd {
    @Suite struct FileLives {
        /// The lines, with paths below the scene's root.
        private func lives(_ scene: Scene, _ name: String, _ options: [String] = []) throws -> [Line] {
            try scene.sync()
            let answer = try scene.varve(["file", "\(scene.root)/\(name)", "-o", "jsonl"] + options)
            #expect([0, 1].contains(answer.status), "\(answer.errorText)")
            return try answer.output.split(separator: UInt8(ascii: "\n")).map { bytes in
                var line = try JSONDecoder().decode(Line.self, from: Data(bytes))
                line.path = String(line.path.dropFirst(scene.root.count + 1))
                line.target = line.target.map { String($0.dropFirst(scene.root.count + 1)) }
                return line
            }
        }

        private func story(_ lines: [Line]) -> [String] {
            lines.map { "\($0.life) \($0.what) \($0.path)" + ($0.target.map { " -> \($0)" } ?? "") }
        }

        /// Each operation is read before the next, so that none is joined with another.
        private func perform(_ scene: Scene, _ operations: [(String, [String])]) throws {
            for (operation, words) in operations {
                var script = WorkloadScript()
                script.add(operation, words.map { RawPath($0) })
                _ = try scene.perform([script])
                try scene.sync()
            }
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aFileIsFollowedThroughItsRenames(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            try perform(
                scene,
                [
                    ("create", ["draft", "1"]), ("append", ["draft", "1"]), ("rename", ["draft", "report"]),
                    ("chmod", ["report", "600"]), ("mkdir", ["d"]), ("rename", ["report", "d/final"]),
                    ("append", ["d/final", "1"]), ("rename", ["d", "e"]), ("append", ["e/final", "1"]),
                    ("unlink", ["e/final"]),
                ])
            let expected = [
                "1 born draft", "1 written draft", "1 written draft", "1 renamed draft -> report",
                "1 attributes report",
                "1 renamed report -> d/final", "1 written d/final", "1 written e/final", "1 died e/final",
            ]
            // By whatever name it is asked for.
            for name in ["draft", "report", "d/final", "e/final"] {
                let lines = try lives(scene, name)
                #expect(story(lines) == expected, "\(name)")
                #expect(lines.allSatisfy { $0.pid != nil })
            }
            #expect(try story(lives(scene, "report", ["--limit", "1", "--reverse"])) == ["1 died e/final"])
            #expect(try lives(scene, "nothing") == [])
            let table = try scene.varve(["file", "\(scene.root)/draft", "-o", "table"])
            #expect(table.outputText.contains("born") && table.outputText.contains("died"))
        }

        @Test(Privilege.required, arguments: [FilesystemKind.ext4, .tmpfs])
        func aNameThatSeveralFilesHadHasSeveralLives(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            try perform(
                scene,
                [
                    ("create", ["name", "1"]), ("unlink", ["name"]),
                    ("create", ["name", "1"]), ("create", ["new", "1"]), ("rename", ["new", "name"]),
                    ("link", ["name", "other"]), ("unlink", ["name"]), ("append", ["other", "1"]),
                    ("unlink", ["other"]),
                    ("create", ["elsewhere", "1"]),
                ])
            let lines = try lives(scene, "name", ["--links"])
            #expect(
                story(lines) == [
                    "1 born name", "1 written name", "1 died name",
                    "2 born name", "2 written name", "3 born new", "3 written new",
                    "2 replaced new -> name", "3 renamed new -> name",
                    "3 linked other", "3 unlinked name", "3 written other", "3 died other",
                ])
        }

        @Test(Privilege.required) func namesUnderARenamedDirectoryCountOnlyInTheirTime() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            try perform(
                scene,
                [
                    ("mkdir", ["a"]), ("create", ["a/f", "1"]), ("rename", ["a", "b"]), ("mkdir", ["a"]),
                    ("create", ["a/f", "1"]), ("unlink", ["b/f"]),
                ])
            #expect(try story(lives(scene, "b/f")) == ["1 born a/f", "1 written a/f", "1 died b/f"])
        }
    }
}
