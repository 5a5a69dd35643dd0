internal import Block
package import Model
internal import Segment
internal import Store
internal import Syscalls

/// `varve db restore`: the database as it was, byte for byte.
package struct DatabaseRestoreAnswer {
    private let context: QueryContext
    private let name: RawPath
    private let absolute: RawPath
    private let point: DatabasePoint
    private let target: RawPath

    /// Parameter target: an absolute path at which there is nothing.
    package init(
        _ context: QueryContext, database name: RawPath, absolute: RawPath, point: DatabasePoint, target: RawPath
    ) {
        self.context = context
        self.name = name
        self.absolute = absolute
        self.point = point
        self.target = target
    }

    /// Writes the file and says which commit it is. The state hash is checked on the way, then SQLite looks at the result.
    ///
    /// Throws: `UsageError`, `StoreError`, `SegmentError`, `SyscallError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let subject = try DatabaseSubject.find(
            context, database: name, absolute: absolute, upTo: [point.moment].compactMap { $0 })
        let (stream, history) = (subject.stream, subject.history)
        let chosen = try history.choose(point, watchedUntil: subject.watchedUntil, losses: subject.losses)
        for reason in chosen.reasons { context.messages.say("incomplete: \(reason)") }
        guard let commit = chosen.commit, let way = chosen.way else {
            return chosen.isUnknown ? .nothingFound : .incomplete
        }
        let file = try DatabaseFile(target: target)
        try file.restore(history.files, way, to: commit)
        let problems = try check(file.path)
        try file.place()
        let byteCount = try target.status().byteCount
        var text = "restored commit \(commit) of \(TerminalText.escaped(stream.paths.last?.bytes ?? [])) "
        text += "to \(TerminalText.escaped(target.bytes)): \(byteCount) bytes, state hash verified\n"
        context.output.bytes.append(string: text)
        try context.output.flush()
        for problem in problems {
            context.messages.say(
                "integrity_check of the restored database: \(TerminalText.escaped(Array(problem.utf8)))")
        }
        guard chosen.reasons.isEmpty && problems.isEmpty || context.acceptsGaps else { return .incomplete }
        return .found
    }

    /// What SQLite finds wrong with the result; the bytes are those of the database in any case.
    private func check(_ path: RawPath) throws(StoreError) -> [String] {
        do {
            return try DatabaseCheck.problems(path)
        } catch {
            guard error.code == .notAStore else { throw error }
            return ["SQLite cannot read it without a key"]
        }
    }
}
