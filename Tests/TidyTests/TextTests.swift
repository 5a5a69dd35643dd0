import Testing

@Suite struct TextTests {
    private static let places = [
        "Sources", "Tests", "schema", "docs", "scripts", "benchmarks", "Package.swift", "Makefile", "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    private static let suffixes = [
        ".swift", ".md", ".h", ".c", ".sql", ".py", ".sh", "Makefile", "scripts/demo", "/run",
    ]

    @Test func noFileNamesAPlaceOnOneMachine() throws {
        // Put together here so that this file does not find itself.
        let machines = ["work/main", "work/shared", "opt/swift", "tmp/plan", "root/."].map { "/" + $0 }
        for file in try SourceTree.files(in: Self.places, suffixes: Self.suffixes) {
            for (index, line) in file.lines.enumerated() {
                for path in machines {
                    #expect(!line.contains(path), "\(file.path):\(index + 1)")
                }
            }
        }
    }

    @Test func noUnfinishedBusinessIsLeftInComments() throws {
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        for file in try SourceTree.files(in: Self.places, suffixes: Self.suffixes) {
            for (index, line) in file.lines.enumerated() {
                for mark in marks {
                    #expect(!line.contains(mark), "\(file.path):\(index + 1)")
                }
            }
        }
    }

    @Test func nothingTurnsOffTheCompilersChecks() throws {
        let switches = ["-O" + "unchecked", "try" + "! ", "unsafe" + "Flags"]
        for file in try SourceTree.files(
            in: ["Sources", "schema", "Package.swift", "Makefile"], suffixes: [".swift", "Makefile"])
        {
            for (index, line) in file.lines.enumerated() {
                for text in switches {
                    #expect(!line.contains(text), "\(file.path):\(index + 1)")
                }
            }
        }
    }

    @Test func textFilesEndWithOneNewline() throws {
        for file in try SourceTree.files(in: Self.places, suffixes: Self.suffixes) {
            #expect(file.lines.last == "" && file.lines.dropLast().last != "", "\(file.path)")
        }
    }
}
