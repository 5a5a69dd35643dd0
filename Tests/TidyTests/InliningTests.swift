import Testing

@Suite struct InliningTests {
    /// Swift 6.3 inlines an `@inlinable package` member into another module only where its type is `@usableFromInline`;
    /// without a word it is called instead, for each record.
    @Test func typesWithInlinableMembersAreUsableFromInline() throws {
        for file in try SourceTree.swiftFiles(in: ["Sources", "schema"]) {
            for line in Self.membersThatAreCalled(in: file.lines) {
                Issue.record("\(file.path):\(line): @inlinable in a type that is not @usableFromInline")
            }
        }
    }

    @Test func theCheckItselfFindsAForgottenAttribute() {
        let type = ["package struct A {", "    @inlinable package init() {}", "}"]
        #expect(Self.membersThatAreCalled(in: type) == [2])
        #expect(Self.membersThatAreCalled(in: ["@usableFromInline"] + type) == [])
        #expect(Self.membersThatAreCalled(in: ["extension RawSpan {", "    @inlinable package init() {}", "}"]) == [])
    }

    /// The lines, from 1, of inlinable members of types that this file declares at its top level.
    private static func membersThatAreCalled(in lines: [String]) -> [Int] {
        var isHidden = false
        var found: [Int] = []
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("package struct ") || line.hasPrefix("package enum ") || line.hasPrefix("package final ")
            {
                isHidden = index == 0 || !lines[index - 1].hasPrefix("@usableFromInline")
            } else if line == "}" {
                isHidden = false
            } else if isHidden, line.contains("@inlinable") {
                found.append(index + 1)
            }
        }
        return found
    }
}
