internal import Block
internal import Model
internal import Store
internal import Syscalls

/// `varve status`: what the store holds, what was covered, and what the live recorder says.
package struct StatusAnswer {
    private let context: QueryContext
    private let showsSizes: Bool

    /// Parameter showsSizes: also the bytes of each part of the blocks and each table, which reads every block's header.
    package init(_ context: QueryContext, showsSizes: Bool) {
        self.context = context
        self.showsSizes = showsSizes
    }

    /// Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let reader = try context.openStore()
        let facts = Facts(
            totals: try reader.totals(), history: try CoverageHistory(reader), noteCount: try reader.notes().count,
            recorder: Self.recorder(context), parts: showsSizes ? try partSizes(reader) : [],
            tables: showsSizes ? try reader.tableSizes().map { ($0.name, $0.byteCount) } : [])
        switch context.textFormat {
        case .table, .csv: writeText(facts, reader)
        case .json, .jsonl: writeJSON(facts, reader)
        }
        try context.output.flush()
        return .found
    }

    private struct Facts {
        var totals: StoreTotals
        var history: CoverageHistory
        var noteCount: Int
        var recorder: Result<ControlAnswer, ControlError>
        var parts: [(name: String, byteCount: Int)]
        var tables: [(name: String, byteCount: UInt64)]
    }

    private static func recorder(_ context: QueryContext) -> Result<ControlAnswer, ControlError> {
        do throws(ControlError) {
            return .success(try ControlClient(context.storeDirectory).ask("status", timeoutNanoseconds: 5_000_000_000))
        } catch {
            return .failure(error)
        }
    }

    /// Stored bytes of all blocks by part, greatest first.
    private func partSizes(_ reader: StoreReader) throws -> [(name: String, byteCount: Int)] {
        var sizes: [String: Int] = [:]
        let walk = BlockWalk(reader, from: nil, to: nil)
        while let row = try walk.next() {
            guard let bytes = try walk.fetch(row) else { continue }
            if let block = try? BlockReader(bytes) {
                for part in block.statistics.storedByteCounts { sizes[part.name, default: 0] += part.byteCount }
            }
            walk.finish(first: row.firstSequence, end: row.endSequence)
        }
        return sizes.sorted { $0.value > $1.value }.map { ($0.key, $0.value) }
    }

    private func writeText(_ facts: Facts, _ reader: StoreReader) {
        var lines: [(String, String)] = []
        let totals = facts.totals
        lines.append(("store", TerminalText.escaped(reader.directory.bytes)))
        lines.append(("host", TerminalText.escaped(reader.origin.hostName.bytes)))
        lines.append(("store id", reader.origin.store.hexadecimalText))
        lines.append(("schema", "\(facts.totals.schemaVersion)"))
        var events = "\(totals.eventCount)"
        if let numbers = totals.sequences { events += " (seq \(numbers.lowerBound) to \(numbers.upperBound))" }
        lines.append(("events", events))
        if totals.eventCount > 0 {
            let bytes = Double(totals.directoryByteCount) / Double(totals.eventCount)
            lines.append(("bytes an event", "\((bytes * 100).rounded() / 100)"))
        }
        lines.append(("blocks", totals.blockCounts.map { "\($0)" }.joined(separator: " + ") + " (by level)"))
        lines.append(("size", ByteSize.text(Int64(clamping: totals.directoryByteCount))))
        lines.append(
            (
                "of it",
                "database \(ByteSize.text(Int64(clamping: totals.pageCount * totals.pageByteCount))), WAL "
                    + "\(ByteSize.text(Int64(clamping: totals.walByteCount))), blocks "
                    + "\(ByteSize.text(Int64(clamping: totals.blockByteCount))), filters "
                    + "\(ByteSize.text(Int64(clamping: totals.filterByteCount)))"
            ))
        let spans = facts.history.spans
        if let first = spans.map(\.from).min(), let last = spans.map(\.to).max() {
            lines.append(("covered", "\(time(first)) to \(time(last))"))
        }
        for coverage in facts.history.coverage where coverage.run == facts.history.runs.last?.run {
            lines.append(
                (
                    "covers",
                    "\(TerminalText.escaped(coverage.path.bytes)) (\(coverage.filesystemType) on "
                        + "\(TerminalText.escaped(coverage.mountPoint.bytes)))"
                ))
        }
        lines.append(("runs", "\(facts.history.runs.count)"))
        lines.append(("gaps", "\(facts.history.boundedGaps.count)"))
        lines.append(("notes", "\(facts.noteCount)"))
        lines += recorderLines(facts)
        lines += facts.parts.map { ("part \($0.name)", ByteSize.text(Int64($0.byteCount))) }
        lines += facts.tables.map { ("table \($0.name)", ByteSize.text(Int64(clamping: $0.byteCount))) }
        let width = (lines.map(\.0.count).max() ?? 0) + 2
        for (name, value) in lines {
            context.output.bytes.append(string: name)
            for _ in 0..<(width - name.count) { context.output.bytes.append(UInt8(ascii: " ")) }
            context.output.bytes.append(string: value)
            context.output.bytes.append(UInt8(ascii: "\n"))
        }
    }

    private func time(_ instant: Instant) -> String {
        TimestampWriter.text(instant, zone: context.zone)
    }

    private func recorderLines(_ facts: Facts) -> [(String, String)] {
        switch facts.recorder {
        case .success(let answer):
            guard case .object(let members) = answer.value else { return [("recorder", "answers")] }
            return [("recorder", "running\(Self.rate(answer))")]
                + members.filter { $0.key != "ok" }.map { Self.figure($0, zone: context.zone) }
        case .failure(.noRecorder):
            guard let run = facts.history.runs.last else { return [("recorder", "none ever ran")] }
            let end = run.end.map { "stopped \(time($0))" } ?? "ended without a clean stop"
            return [("recorder", "not running; the last one (pid \(run.pid)) \(end)")]
        case .failure(let error): return [("recorder", error.text)]
        }
    }

    /// Members that are moments; other numbers of nanoseconds are lengths of time.
    private static let moments: Set<String> = ["started_ns", "archive_until_ns"]

    /// A member of the recorder's answer; a number of nanoseconds is told in words that need no unit in the name.
    static func figure(_ member: (key: String, value: JSONValue), zone: TimeZoneRule) -> (String, String) {
        let name = "  \(TerminalText.escaped(Array(member.key.utf8)))"
        guard member.key.hasSuffix("_ns"), let nanoseconds = member.value.unsigned.map({ Int64(clamping: $0) }) else {
            return (name, text(member.value))
        }
        let title = String(name.dropLast(3))
        if moments.contains(member.key) {
            return (title, TimestampWriter.text(Instant(nanosecondsSinceEpoch: nanoseconds), zone: zone))
        }
        guard nanoseconds >= 1_000_000 else { return (title, "\(nanoseconds / 1_000) µs") }
        return (title, "\((Double(nanoseconds) / 1e6).rounded() / 1e3) s")
    }

    /// Events a second since the run started, where the recorder tells enough.
    private static func rate(_ answer: ControlAnswer) -> String {
        guard let events = answer.value["events_committed"]?.unsigned,
            let started = answer.value["started_ns"]?.unsigned.map({ Int64(clamping: $0) })
        else { return "" }
        let seconds = Double(max(1, Clock.realtime().nanosecondsSinceEpoch &- started)) / 1e9
        return ", \((Double(events) / seconds * 10).rounded() / 10) events a second since its start"
    }

    /// A member of the recorder's answer in one line.
    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .array(let values): values.map(text).joined(separator: ", ")
        case .object(let members):
            members.map { "\(TerminalText.escaped(Array($0.key.utf8))) \(text($0.value))" }.joined(separator: ", ")
        default: TerminalText.escaped(Array((value.text ?? "").utf8))
        }
    }

    private func writeJSON(_ facts: Facts, _ reader: StoreReader) {
        var json = JSONWriter()
        var clock = TimestampWriter()
        let totals = facts.totals
        json.beginObject()
        json.path("store", raw: "store_raw", reader.directory.bytes)
        json.key("host")
        json.string(bytes: reader.origin.hostName.bytes)
        json.key("store_id")
        json.string(reader.origin.store.hexadecimalText)
        json.key("machine_id")
        json.string(reader.origin.machineID.hexadecimalText)
        json.key("schema")
        json.integer(facts.totals.schemaVersion)
        json.key("events")
        json.integer(totals.eventCount)
        if let numbers = totals.sequences {
            json.key("first_seq")
            json.integer(numbers.lowerBound)
            json.key("last_seq")
            json.integer(numbers.upperBound)
        }
        json.key("blocks")
        json.beginArray()
        for count in totals.blockCounts { json.integer(count) }
        json.endArray()
        json.key("bytes")
        json.beginObject()
        json.counts([
            ("directory", totals.directoryByteCount), ("database", totals.pageCount * totals.pageByteCount),
            ("wal", totals.walByteCount), ("blocks", totals.blockByteCount), ("filters", totals.filterByteCount),
            ("free", totals.freePageCount * totals.pageByteCount),
        ])
        json.endObject()
        writeSizes(facts, &json)
        writeCoverage(facts, &json, &clock)
        json.key("runs")
        json.integer(facts.history.runs.count)
        json.key("gaps")
        json.integer(facts.history.boundedGaps.count)
        json.key("notes")
        json.integer(facts.noteCount)
        json.key("recording")
        if case .success(let answer) = facts.recorder {
            json.boolean(true)
            json.key("recorder")
            json.raw(answer.line)
        } else {
            json.boolean(false)
        }
        json.endObject()
        json.endLine()
        context.output.bytes += json.bytes
    }

    private func writeSizes(_ facts: Facts, _ json: inout JSONWriter) {
        guard showsSizes else { return }
        json.key("parts")
        json.beginObject()
        json.counts(facts.parts.map { ($0.name, UInt64($0.byteCount)) })
        json.endObject()
        json.key("tables")
        json.beginObject()
        json.counts(facts.tables.map { ($0.name, $0.byteCount) })
        json.endObject()
    }

    private func writeCoverage(_ facts: Facts, _ json: inout JSONWriter, _ clock: inout TimestampWriter) {
        json.key("coverage")
        json.beginArray()
        for (coverage, span) in zip(facts.history.coverage, facts.history.spans) {
            json.beginObject()
            json.path("path", raw: "path_raw", coverage.path.bytes)
            json.key("type")
            json.string(coverage.filesystemType)
            json.path("mount", raw: "mount_raw", coverage.mountPoint.bytes)
            json.key("run")
            json.integer(coverage.run)
            json.key("from")
            json.time(span.from, &clock)
            json.key("to")
            json.time(span.to, &clock)
            json.endObject()
        }
        json.endArray()
    }
}

extension JSONWriter {
    fileprivate mutating func counts(_ members: [(name: String, value: UInt64)]) {
        for member in members {
            key(dynamic: member.name)
            integer(member.value)
        }
    }
}
