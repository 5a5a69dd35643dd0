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
        let indentation = lines[index].prefix { $0 == " " }.count
        // Keeping a pointer does nothing with it; a line that only opens a closure is argued for inside it.
        if lines[index].contains("unsafe self.") { return true }
        if lines[index].hasSuffix(" in") || lines[index].hasSuffix("{") {
            if lines[index...].dropFirst().prefix(2).contains(where: { $0.contains("SAFETY:") }) { return true }
        }
        var position = index
        while position >= 0 {
            if lines[position].contains("SAFETY:") { return true }
            let isOuter = position < index && lines[position].prefix { $0 == " " }.count < indentation
            if isDeclaration(lines[position]), isOuter || position == index { break }
            position -= 1
        }
        position -= 1
        while position >= 0, isComment(lines[position]) || lines[position].drop(while: { $0 == " " }).hasPrefix("@") {
            if lines[position].contains("SAFETY:") { return true }
            position -= 1
        }
        return false
    }

    /// The start of a function, a computed property or a type; not a local variable, not a call of an initializer.
    private static func isDeclaration(_ line: String) -> Bool {
        let modifiers: Set<Substring> = [
            "public", "package", "internal", "fileprivate", "private", "static", "final", "mutating", "borrowing",
            "consuming",
            "nonisolated", "override", "convenience", "unsafe",
        ]
        let starts = [
            "func ", "init(", "init<", "init?", "deinit", "subscript(", "extension ", "struct ", "enum ", "class ",
        ]
        let words = line.split(separator: " ")
        guard let first = words.firstIndex(where: { !modifiers.contains($0) && !$0.hasPrefix("@") }) else {
            return false
        }
        let rest = words[first...].joined(separator: " ")
        if starts.contains(where: { rest.hasPrefix($0) }) { return true }
        return rest.hasPrefix("var ") && rest.hasSuffix("{") && !rest.contains("=")
    }
}
