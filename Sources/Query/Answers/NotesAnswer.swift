internal import Model
internal import Store

/// `varve note` without a text: the remarks on the timeline.
package struct NotesAnswer {
    private let context: QueryContext

    package init(_ context: QueryContext) {
        self.context = context
    }

    /// Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let notes = try context.openStore().notes()
        let users = UserDatabase.system()
        var time = TimestampWriter(zone: context.rowFormat == .table ? context.zone : .utc)
        switch context.rowFormat {
        case .table:
            var table = TextTable([(time.title("TIME"), .left), ("USER", .left), ("NOTE", .left)])
            for note in notes {
                var moment: [UInt8] = []
                time.appendForPeople(note.moment, to: &moment)
                let user = note.uid.map { users.name(of: $0) ?? Array("\($0)".utf8) } ?? Array("?".utf8)
                table.append([moment, user, Array(note.text.utf8)])
            }
            if !notes.isEmpty { table.write(to: context.output) }
        case .csv:
            var csv = CSVWriter(isForTerminal: context.output.isTerminal)
            for title in ["time", "uid", "note"] { csv.field(title) }
            csv.endRow()
            for note in notes {
                csv.field(TimestampWriter.text(note.moment))
                csv.field(note.uid.map { "\($0)" } ?? "")
                csv.field(note.text)
                csv.endRow()
            }
            context.output.bytes += csv.bytes
        case .json, .jsonl:
            var rows = JSONRows(isArray: context.rowFormat == .json)
            for note in notes {
                rows.begin()
                rows.json.key("time")
                rows.json.time(note.moment, &time)
                if let uid = note.uid {
                    rows.json.key("uid")
                    rows.json.integer(uid)
                }
                rows.json.key("note")
                rows.json.string(note.text)
                rows.end()
            }
            context.output.bytes += rows.finish()
        }
        try context.output.flush()
        return notes.isEmpty ? .nothingFound : .found
    }
}
