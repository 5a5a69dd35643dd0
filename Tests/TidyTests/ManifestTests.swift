import Testing

@Suite struct ManifestTests {
    @Test func everySwiftTargetHasTheSameSettings() throws {
        let manifest = try SourceTree.lines(of: "Package.swift").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            .joined(separator: "\n")
        let starts = [".target(", ".executableTarget(", ".testTarget("]
        var declarations: [Substring] = []
        var rest = manifest[...]
        while let start = starts.compactMap({ rest.firstRange(of: $0)?.upperBound }).min() {
            rest = rest[start...]
            let end = (starts + [".systemLibrary("]).compactMap { rest.firstRange(of: $0)?.lowerBound }.min()
            declarations.append(rest[..<(end ?? rest.endIndex)])
        }
        #expect(declarations.count > 10)
        let inC = ["name: \"CLinux\"", "name: \"ReportAssets\"", "name: \"SQLiteExtension\""]
        for declaration in declarations where !inC.contains(where: { declaration.contains($0) }) {
            #expect(declaration.contains("swiftSettings: settings"), "\(declaration.prefix(60))")
        }
        #expect(!manifest.contains("unsafeFlags"))
        #expect(!manifest.contains("Ounchecked"))
    }

    @Test func theSettingsAreTheStrictOnes() throws {
        let manifest = try SourceTree.lines(of: "Package.swift").joined(separator: "\n")
        let settings = [
            ".swiftLanguageMode(.v6)", ".strictMemorySafety()", ".treatAllWarnings(as: .error)", "ExistentialAny",
            "InternalImportsByDefault", "MemberImportVisibility",
        ]
        for setting in settings {
            #expect(manifest.contains(setting), "\(setting)")
        }
    }
}
