internal import Block
private import Glibc
package import Model
internal import Segment
internal import Store
internal import Syscalls

/// `varve db export`: the database as it was, as SQL text.
package struct DatabaseExportAnswer {
    private let context: QueryContext
    private let name: RawPath
    private let absolute: RawPath
    private let point: DatabasePoint
    private let temporaryDirectory: RawPath

    /// Parameter temporaryDirectory: where the database is restored to meanwhile.
    package init(
        _ context: QueryContext, database name: RawPath, absolute: RawPath, point: DatabasePoint,
        temporaryDirectory: RawPath = RawPath("/var/tmp")
    ) {
        self.context = context
        self.name = name
        self.absolute = absolute
        self.point = point
        self.temporaryDirectory = temporaryDirectory
    }

    /// Prints the SQL text. Throws: as `DatabaseRestoreAnswer`.
    package func run() throws -> AnswerStatus {
        let subject = try DatabaseSubject.find(
            context, database: name, absolute: absolute, upTo: [point.moment].compactMap { $0 })
        let history = subject.history
        let chosen = try history.choose(point, watchedUntil: subject.watchedUntil, losses: subject.losses)
        for reason in chosen.reasons { context.messages.say("incomplete: \(reason)") }
        guard let commit = chosen.commit, let way = chosen.way else {
            return chosen.isUnknown ? .nothingFound : .incomplete
        }
        let target = temporaryDirectory.appending(Array("varve-export-\(getpid())-\(Clock.monotonic())".utf8))
        // The file is never given its name, so it goes with the value.
        let file = try DatabaseFile(target: target)
        try file.restore(history.files, way, to: commit)
        do {
            try DatabaseDump.write(file.path) { text in
                context.output.bytes += text
                try context.output.flushIfDue()
            }
        } catch let error as StoreError where error.code == .notAStore {
            throw StoreError(
                .notAStore, "SQLite cannot read commit \(commit) without a key; 'varve db restore' gives the file",
                path: subject.stream.paths.last)
        }
        try context.output.flush()
        return chosen.reasons.isEmpty || context.acceptsGaps ? .found : .incomplete
    }
}
