internal import Block
internal import Model
internal import Segment
internal import Store

/// `varve db list`: the watched databases.
package struct DatabaseListAnswer {
    private let context: QueryContext

    package init(_ context: QueryContext) {
        self.context = context
    }

    private struct Entry {
        var stream: DatabaseStream
        var commitCount: UInt64
        var lastNumber: UInt64
        var byteCount: UInt64
        var baseCount: Int
        /// Of the base images those that hold only what changed.
        var rebaseCount: Int
        var gapCount: Int
        /// Commits that gaps stand for, where their count is known.
        var missedCount: UInt64
        var first: Instant?
        var last: Instant?
        /// Where commits were dropped: from when on each that was captured is kept, and how many states there are of the
        /// time before.
        var detail: (since: Instant, stateCount: Int)?
    }

    /// Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let reader = try context.openStore()
        let entries = try reader.streams().map { stream in
            let history = try DatabaseHistory(stream, reader)
            let times = history.segments.filter { $0.commitCount > 0 }
            return Entry(
                stream: stream, commitCount: history.segments.reduce(0) { $0 + $1.commitCount },
                lastNumber: history.lastNumber,
                byteCount: history.segments.reduce(0) { $0 &+ $1.byteCount }
                    &+ history.bases.reduce(0) { $0 &+ $1.byteCount },
                baseCount: history.bases.count, rebaseCount: history.bases.count { $0.builtOn != nil },
                gapCount: history.gaps.count,
                missedCount: history.gaps.reduce(0) { $0 &+ ($1.missedCount ?? 0) },
                // Of a commit that was there before the database was first seen no earlier bound is known.
                first: (times.map { max($0.low, stream.firstSeen) } + history.bases.map(\.high)).min(),
                last: (times.map(\.high) + history.bases.map(\.high)).max(),
                detail: history.gaps.filter { $0.cause == .pruned }.max { $0.last < $1.last }.map { gap in
                    (gap.high, history.bases.count { $0.commit < gap.last })
                })
        }
        switch context.rowFormat {
        case .table: writeTable(entries)
        case .csv: writeCSV(entries)
        case .json, .jsonl: writeJSON(entries)
        }
        try context.output.flush()
        let isIncomplete = try sayWhatIsNotListed(reader)
        if isIncomplete, !context.acceptsGaps { return .incomplete }
        return entries.isEmpty ? .nothingFound : .found
    }

    /// Databases that something is known to be missing of, and that are no entry.
    private func sayWhatIsNotListed(_ reader: StoreReader) throws(StoreError) -> Bool {
        let listed = Set(try reader.streams().flatMap(\.paths))
        let missing = try reader.gaps().map(\.gap).filter { gap in
            gap.kind == .walMissed && gap.scope.map { !listed.contains($0) } ?? false
        }
        for gap in missing.prefix(5) {
            context.messages.say(
                "incomplete: \(TerminalText.escaped(gap.scope?.bytes ?? [])) is not listed: \(gap.databaseText)")
        }
        if missing.count > 5 { context.messages.say("incomplete: \(missing.count - 5) more such gaps") }
        return !missing.isEmpty
    }

    private func writeJSON(_ entries: [Entry]) {
        var time = TimestampWriter()
        var rows = JSONRows(isArray: context.rowFormat == .json)
        for entry in entries {
            rows.begin()
            rows.json.key("db")
            rows.json.string(entry.stream.uuid.hexadecimalText)
            if let path = entry.stream.paths.last { rows.json.path("path", raw: "path_raw", path.bytes) }
            rows.json.key("status")
            rows.json.string(entry.stream.condition.name)
            if !entry.stream.detail.isEmpty {
                rows.json.key("detail")
                rows.json.string(entry.stream.detail)
            }
            rows.json.key("page_size")
            rows.json.integer(entry.stream.pageSize)
            rows.json.key("inode")
            rows.json.integer(entry.stream.inode)
            rows.json.key("first_seen")
            rows.json.time(entry.stream.firstSeen, &time)
            if let first = entry.first, let last = entry.last {
                rows.json.key("from")
                rows.json.time(first, &time)
                rows.json.key("to")
                rows.json.time(last, &time)
            }
            if let detail = entry.detail {
                rows.json.key("each_commit_since")
                rows.json.time(detail.since, &time)
                rows.json.key("states_before")
                rows.json.integer(detail.stateCount)
            }
            for (name, value) in [
                ("commits", entry.commitCount), ("last_commit", entry.lastNumber),
                ("base_images", UInt64(entry.baseCount)), ("rebases", UInt64(entry.rebaseCount)),
                ("gaps", UInt64(entry.gapCount)),
                ("missed", entry.missedCount),
                ("bytes", entry.byteCount),
            ] {
                rows.json.key(dynamic: name)
                rows.json.integer(value)
            }
            rows.json.key("paths")
            rows.json.beginArray()
            for path in entry.stream.paths { rows.json.string(bytes: path.bytes) }
            rows.json.endArray()
            rows.end()
        }
        context.output.bytes += rows.finish()
    }

    private func writeCSV(_ entries: [Entry]) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["db", "path", "status", "page_size", "commits", "last_commit", "base_images", "gaps", "bytes"] {
            csv.field(title)
        }
        csv.endRow()
        for entry in entries {
            csv.field(entry.stream.uuid.hexadecimalText)
            csv.field(entry.stream.paths.last?.bytes ?? [])
            csv.field(entry.stream.condition.name)
            csv.field(integer: UInt64(entry.stream.pageSize))
            csv.field(integer: entry.commitCount)
            csv.field(integer: entry.lastNumber)
            csv.field(integer: UInt64(entry.baseCount))
            csv.field(integer: UInt64(entry.gapCount))
            csv.field(integer: entry.byteCount)
            csv.endRow()
        }
        context.output.bytes += csv.bytes
    }

    private func writeTable(_ entries: [Entry]) {
        guard !entries.isEmpty else { return }
        var time = TimestampWriter(zone: context.zone)
        // Of most databases nothing was dropped.
        let isThinned = entries.contains { $0.detail != nil }
        var table = TextTable(
            [
                ("DB", .left), ("COMMITS", .right), ("GAPS", .right), ("BYTES", .right), (time.title("FROM"), .left),
                ("TO", .left),
            ] + (isThinned ? [("EACH SINCE", .left), ("STATES BEFORE", .right)] : [])
                + [("STATUS", .left), ("PATH", .left)])
        for entry in entries {
            var bounds: [[UInt8]] = []
            for moment in [entry.first, entry.last] {
                var text: [UInt8] = []
                if let moment { time.appendForPeople(moment, to: &text) } else { text = Array("-".utf8) }
                bounds.append(text)
            }
            var kept: [[UInt8]] = []
            if isThinned {
                var since = Array("-".utf8)
                if let detail = entry.detail {
                    since = []
                    time.appendForPeople(detail.since, to: &since)
                }
                kept = [since, Array("\(entry.detail?.stateCount ?? 0)".utf8)]
            }
            let detail = entry.stream.detail.isEmpty ? "" : " (\(entry.stream.detail))"
            table.append(
                [
                    Array(entry.stream.uuid.hexadecimalText.utf8.prefix(8)), Array("\(entry.commitCount)".utf8),
                    Array("\(entry.gapCount)".utf8), Array("\(entry.byteCount)".utf8),
                ] + bounds + kept + [
                    Array((entry.stream.condition.name + detail).utf8), entry.stream.paths.last?.bytes ?? [],
                ])
        }
        table.write(to: context.output)
    }
}
