internal import Block
package import Model
package import Segment
internal import Store
internal import Syscalls

/// `varve db commits`: the commits of a watched database, and who wrote them.
package struct DatabaseCommitsAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let name: RawPath
    private let absolute: RawPath

    /// Of the selection the range, the limit and the order count: since ≤ t_hi < until.
    package init(_ context: QueryContext, _ selection: Selection, database name: RawPath, absolute: RawPath) {
        self.context = context
        self.selection = selection
        self.name = name
        self.absolute = absolute
    }

    private struct Entry {
        var commit: SegmentTable.Commit
        var pageCount: Int
        var byteCount: Int
        var writers: [ActorProcess]
        var checkpointer: [ActorProcess]
    }

    /// Throws: `StoreError`, `UsageError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let subject = try DatabaseSubject.find(
            context, database: name, absolute: absolute, upTo: [selection.until ?? Clock.realtime()])
        let (stream, history) = (subject.stream, subject.history)
        var entries: [Entry] = []
        let limit = selection.limit ?? .max
        // States that stand for transactions of the range, and are no rows of it.
        var reasons: [String] = []
        try history.forEachCommit(from: selection.since, to: selection.until) { commit, table, byteCount in
            if let since = selection.since, commit.high < since { return }
            if let until = selection.until, commit.high >= until {
                if commit.low < until, commit.transactionCount != 1 { reasons.append(commit.mergedText) }
                return
            }
            guard selection.isReversed || entries.count < limit else { return }
            entries.append(
                Entry(
                    commit: commit, pageCount: commit.pages.count, byteCount: byteCount,
                    writers: table.processes(ofSet: commit.writers),
                    checkpointer: table.processes(ofSet: commit.checkpointer)))
            // Only the newest are asked for: what cannot be among them is let go in pieces.
            if selection.isReversed, entries.count >= 2 * max(1, limit / 2), entries.count / 2 >= limit {
                entries.removeFirst(entries.count - limit)
            }
        }
        if selection.isReversed { entries.reverse() }
        entries = Array(entries.prefix(limit))
        switch context.rowFormat {
        case .table: writeTable(entries)
        case .csv: writeCSV(entries)
        case .json, .jsonl: writeJSON(entries, stream)
        }
        try context.output.flush()
        if stream.condition == .rollbackJournal || stream.condition == .unsupported || stream.condition == .unreadable {
            reasons.append("not captured: \(stream.detail)")
        }
        return conclude(history, subject.losses, reasons, found: !entries.isEmpty)
    }

    /// Says which commits of the range are known to be missing.
    private func conclude(
        _ history: DatabaseHistory, _ losses: DatabaseLosses, _ reasons: [String], found: Bool
    ) -> AnswerStatus {
        let gaps = history.gaps.filter { gap in
            if let since = selection.since, gap.high < since { return false }
            if let until = selection.until, gap.low >= until { return false }
            return true
        }
        let texts =
            reasons + gaps.map(\.text) + losses.all(since: selection.since, until: selection.until).map(\.databaseText)
        for text in texts.prefix(5) { context.messages.say("incomplete: \(text)") }
        if texts.count > 5 { context.messages.say("incomplete: \(texts.count - 5) more gaps") }
        if !texts.isEmpty, !context.acceptsGaps { return .incomplete }
        return found ? .found : .nothingFound
    }

    private func writeJSON(_ entries: [Entry], _ stream: DatabaseStream) {
        var time = TimestampWriter()
        var rows = JSONRows(isArray: context.rowFormat == .json)
        let path = stream.paths.last?.bytes ?? Array(stream.uuid.hexadecimalText.utf8)
        for entry in entries {
            rows.begin()
            rows.json.path("db", raw: "db_raw", path)
            rows.json.key("commit")
            rows.json.integer(entry.commit.number)
            rows.json.key("t_lo")
            rows.json.time(entry.commit.low, &time)
            rows.json.key("t_hi")
            rows.json.time(entry.commit.high, &time)
            rows.json.key("pages")
            rows.json.integer(entry.pageCount)
            rows.json.key("bytes")
            rows.json.integer(entry.byteCount)
            rows.json.key("writers")
            ProcessList.write(entry.writers, &rows.json)
            rows.json.key("attribution")
            rows.json.string(entry.commit.attribution.name)
            if !entry.checkpointer.isEmpty {
                rows.json.key("checkpointer")
                ProcessList.write(entry.checkpointer, &rows.json)
            }
            rows.json.key("status")
            rows.json.string(entry.commit.status.name)
            if entry.commit.status == .state, let count = entry.commit.transactionCount {
                rows.json.key("transactions")
                rows.json.integer(count)
            }
            rows.end()
            if rows.json.bytes.count > 1 << 20, context.rowFormat == .jsonl {
                context.output.bytes += rows.json.bytes
                rows.json.bytes.removeAll(keepingCapacity: true)
            }
        }
        context.output.bytes += rows.finish()
    }

    private static func status(of commit: SegmentTable.Commit) -> String {
        guard commit.status == .state, let count = commit.transactionCount, count > 1 else { return commit.status.name }
        return "\(commit.status.name) of \(count)"
    }

    private static func text(_ processes: [ActorProcess]) -> [UInt8] {
        var text: [UInt8] = []
        for process in processes {
            if !text.isEmpty { text += Array(", ".utf8) }
            text += Array("\(process.pid)".utf8)
            if let name = process.exe ?? process.comm { text += Array(" ".utf8) + name.bytes }
        }
        return text
    }

    private func writeCSV(_ entries: [Entry]) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in [
            "commit", "t_lo", "t_hi", "pages", "bytes", "writers", "attribution", "status", "checkpointer",
            "transactions",
        ] {
            csv.field(title)
        }
        csv.endRow()
        for entry in entries {
            csv.field(integer: entry.commit.number)
            csv.field(TimestampWriter.text(entry.commit.low))
            csv.field(TimestampWriter.text(entry.commit.high))
            csv.field(integer: UInt64(entry.pageCount))
            csv.field(integer: UInt64(entry.byteCount))
            csv.field(Self.text(entry.writers))
            csv.field(entry.commit.attribution.name)
            csv.field(entry.commit.status.name)
            csv.field(Self.text(entry.checkpointer))
            if let count = entry.commit.transactionCount { csv.field(integer: UInt64(count)) } else { csv.field("") }
            csv.endRow()
        }
        context.output.bytes += csv.bytes
    }

    private func writeTable(_ entries: [Entry]) {
        guard !entries.isEmpty else { return }
        var time = TimestampWriter(zone: context.zone)
        // Most databases are checkpointed by those who write them.
        let isShown = entries.contains { !$0.checkpointer.isEmpty }
        var table = TextTable(
            [
                ("COMMIT", .right), (time.title("TIME"), .left), ("PAGES", .right), ("BYTES", .right),
                ("STATUS", .left), ("BY", .left), ("WRITERS", .left),
            ] + (isShown ? [("CHECKPOINTER", .left)] : []))
        for entry in entries {
            var moment: [UInt8] = []
            time.appendForPeople(entry.commit.high, to: &moment)
            table.append(
                [
                    Array("\(entry.commit.number)".utf8), moment, Array("\(entry.pageCount)".utf8),
                    Array("\(entry.byteCount)".utf8), Array(Self.status(of: entry.commit).utf8),
                    Array(entry.commit.attribution.name.utf8), Self.text(entry.writers),
                ] + (isShown ? [Self.text(entry.checkpointer)] : []))
        }
        table.write(to: context.output)
    }
}

extension CaptureGap {
    /// One line for people.
    package var text: String {
        let numbers = first == last ? "commit \(first)" : "commits \(first) to \(last)"
        let count = missedCount.map { "\($0)" } ?? "an unknown number of"
        return "\(numbers): \(count) missing between \(TimestampWriter.text(low)) and \(TimestampWriter.text(high)): "
            + cause.name
    }
}
