import Testing

@Suite struct ImportDirectionTests {
    /// What each room may import beside the standard library: itself downwards, never sideways or up.
    static let allowed: [String: Set<String>] = [
        "Model": [],
        "Schema": [],
        "Syscalls": ["CLinux", "CCapability", "Glibc", "Model", "Synchronization"],
        "Fanotify": ["CLinux", "Glibc", "Model", "Syscalls"],
        // Pure over bytes: no C library, no system calls, so no I/O.
        "Block": ["CXXHash", "CZstd", "Model", "Synchronization"],
        "SQLiteWAL": ["Model"],
        "SQLitePages": ["Model"],
        "Parquet": ["Block"],
        "Segment": ["Block", "CXXHash", "CZstd", "Model"],
        "Store": ["Block", "CSQLite", "CXXHash", "Glibc", "Model", "Schema", "Segment", "Synchronization", "Syscalls"],
        "Recorder": [
            "Block", "CLinux", "DequeModule", "Fanotify", "Glibc", "Logging", "Model", "SQLiteWAL", "Segment",
            "Store", "Synchronization", "Syscalls",
        ],
        "Query": [
            "Block", "CSQLite", "Glibc", "HeapModule", "Model", "Parquet", "SQLitePages", "SQLiteWAL", "Segment",
            "Store", "Synchronization", "Syscalls",
        ],
        "SQLTables": ["Block", "CSQLite", "Glibc", "Model", "Query", "Segment", "Store", "Syscalls"],
        "Report": ["Block", "Model", "Query", "ReportAssets", "Segment", "Store", "Syscalls"],
        "varved": ["ArgumentParser", "Glibc", "Logging", "Model", "Recorder", "Syscalls"],
        "varve": ["ArgumentParser", "Glibc", "Model", "Query", "Report", "SQLTables"],
    ]

    @Test func everyRoomImportsOnlyWhatLiesBelowIt() throws {
        for file in try SourceTree.swiftFiles(in: ["Sources", "schema"]) {
            let allowed = try #require(Self.allowed[file.room], "\(file.path): '\(file.room)' is not a known room")
            for module in Self.imports(of: file) {
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test func nothingImportsFullFoundation() throws {
        for file in try SourceTree.swiftFiles(in: ["Sources", "schema", "Tests"]) {
            #expect(!Self.imports(of: file).contains("Foundation"), "\(file.path)")
        }
    }

    @Test func testsUseSwiftTestingOnly() throws {
        for file in try SourceTree.swiftFiles(in: ["Tests"]) {
            #expect(!Self.imports(of: file).contains("XCTest"), "\(file.path)")
        }
    }

    @Test func manifestDependenciesMatchTheDirections() throws {
        // A dependency that no file imports yet would still let an import slip in unseen.
        let manifest = try SourceTree.lines(of: "Package.swift").joined(separator: "\n")
        for (room, allowed) in Self.allowed {
            for other in Self.allowed.keys where other != room && !allowed.contains(other) {
                let target = Self.targetDeclaration(of: room, in: manifest)
                #expect(!target.contains("\"\(other)\""), "Package.swift lets \(room) depend on \(other)")
            }
        }
    }

    /// The modules a file imports, whatever the access level or attributes of the import.
    static func imports(of file: SourceTree.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position < words.count - 1 else { return nil }
            let prefixes = words[..<position]
            let known: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
            guard prefixes.allSatisfy({ known.contains($0) || $0.hasPrefix("@") }) else { return nil }
            // `import struct Glibc.stat` names a symbol of a module.
            let kinds: Set<Substring> = ["struct", "class", "enum", "func", "var", "let", "typealias", "protocol"]
            var rest = words[(position + 1)...]
            if let first = rest.first, kinds.contains(first) { rest = rest.dropFirst() }
            return rest.first.map { String($0.prefix { $0 != "." }) }
        }
    }

    /// The text of one target in the manifest, empty where there is none.
    private static func targetDeclaration(of room: String, in manifest: String) -> String {
        let pieces = manifest.split(separator: "arget(")
        let wanted = "name: \"\(room)\""
        guard let piece = pieces.first(where: { $0.drop { $0 == " " || $0 == "\n" }.hasPrefix(wanted) }) else {
            return ""
        }
        return String(piece.drop { $0 == " " || $0 == "\n" }.dropFirst(wanted.count))
    }
}
