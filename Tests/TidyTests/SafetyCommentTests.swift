import Testing

@Suite struct SafetyCommentTests {
    /// Each `unsafe` expression stands below a `// SAFETY:` comment in the same declaration.
    ///
    /// A line check cannot tell which comment argues for which expression; it holds that nobody forgets to argue.
    @Test func unsafeExpressionsAreArguedFor() throws {
        for file in try SourceTree.swiftFiles(in: ["Sources", "schema"]) {
            for (index, line) in file.lines.enumerated() where Self.hasUnsafeExpression(line) {
                #expect(Self.isArguedFor(index, in: file.lines), "\(file.path):\(index + 1): no SAFETY comment above")
            }
        }
    }

    @Test func uncheckedSendableIsArguedFor() throws {
        for file in try SourceTree.swiftFiles(in: ["Sources", "schema"]) {
            for (index, line) in file.lines.enumerated()
            where line.contains("@unchecked Sendable") && !Self.isComment(line) {
                let above = index > 0 ? file.lines[index - 1] : ""
                #expect(Self.isComment(above) || above.contains("@"), "\(file.path):\(index + 1)")
            }
        }
    }

    @Test func theCheckItselfFindsAForgottenComment() {
        let forgotten = ["func read() {", "    let n = unsafe pread(a, b, c, d)", "}"]
        #expect(!Self.isArguedFor(1, in: forgotten))
        let argued = ["func read() {", "    // SAFETY: b holds c bytes.", "    let n = unsafe pread(a, b, c, d)", "}"]
        #expect(Self.isArguedFor(2, in: argued))
        let elsewhere = ["// SAFETY: another one.", "let x = 1", "", "func read() {", "    unsafe pread()", "}"]
        #expect(!Self.isArguedFor(4, in: elsewhere))
    }

    private static func isComment(_ line: String) -> Bool {
        line.drop { $0 == " " }.hasPrefix("//")
    }

    /// The keyword as an expression, not inside a comment, a string, or the attribute `@unsafe`.
    private static func hasUnsafeExpression(_ line: String) -> Bool {
        guard !isComment(line) else { return false }
        var isInString = false
        var words: [String] = [""]
        for character in line {
            if character == "\"" { isInString.toggle() }
            guard !isInString else { continue }
            if character.isLetter || character.isNumber || character == "_" || character == "@" || character == "(" {
                // `nonisolated(unsafe)` is one word here, so that it does not count.
                if character == "(", words.last != "nonisolated" {
                    words.append("")
                } else {
                    words[words.count - 1].append(character)
                }
            } else {
                words.append("")
            }
        }
        return words.contains("unsafe")
    }

    /// Walks up to the declaration the line stands in, and through the comment and attributes above that.
    private static func isArguedFor(_ index: Int, in lines: [String]) -> Bool {
        let keywords = [
            "func ", "init(", "init<", "init?", "deinit", "subscript(", "var ", "extension ", "struct ", "enum ",
            "class ",
        ]
        let indentation = lines[index].prefix { $0 == " " }.count
        var position = index
        while position >= 0 {
            if lines[position].contains("SAFETY:") { return true }
            let text = lines[position].drop { $0 == " " }
            let isOuter = position == index ? false : lines[position].prefix { $0 == " " }.count < indentation
            if isOuter, !isComment(lines[position]), keywords.contains(where: { text.contains($0) }) { break }
            position -= 1
        }
        position -= 1
        while position >= 0, isComment(lines[position]) || lines[position].drop(while: { $0 == " " }).hasPrefix("@") {
            if lines[position].contains("SAFETY:") { return true }
            position -= 1
        }
        return false
    }
}
