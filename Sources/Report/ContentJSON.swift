internal import Block
internal import Model
internal import Query
internal import Segment
internal import Store

/// A report's content as the page's script reads it. Moments are microseconds since 1970, which a number of JavaScript holds
/// exactly; counts by time are pairs of a bucket and its count, without the zeros.
struct ContentJSON {
    private let content: ReportContent
    private let rowLimit: Int
    private var json = JSONWriter()
    private let users = UserDatabase.system()
    /// So many gaps are listed one by one; all of them are painted.
    static let maximumGapCount = 300
    static let maximumNoteCount = 100
    static let maximumWriterCount = 4

    /// Parameter rowLimit: of each table; what further rows count is counted with the others.
    init(_ content: ReportContent, rowLimit: Int) {
        self.content = content
        self.rowLimit = rowLimit
    }

    var bytes: [UInt8] {
        var writer = self
        writer.write()
        return writer.json.bytes
    }

    private mutating func write() {
        json.beginObject()
        json.key("axis")
        json.beginObject()
        moment("from", content.axis.from)
        json.key("width")
        json.number(Double(content.axis.width) / 1_000)
        json.key("count")
        json.integer(content.axis.count)
        json.endObject()
        cells("events", content.counts)
        writeTables()
        writeProcesses()
        writeDatabases()
        writeGaps()
        writeNotes()
        json.endObject()
    }

    private mutating func writeTables() {
        json.key("tables")
        json.beginArray()
        for table in content.tables {
            json.beginObject()
            json.key("key")
            json.string(table.grouping.rawValue)
            json.key("rows")
            json.beginArray()
            for row in table.rows.prefix(rowLimit) {
                json.beginObject()
                text("name", PageText.shown(table.keys.label(row.group)))
                if row.total > 0 {
                    moment("first", row.first)
                    moment("last", row.last)
                }
                // Those of an operation would be what merged records hold beside it.
                if table.grouping != .op { text("ops", row.operations.operationNames.joined(separator: " ")) }
                cells("cells", row.counts)
                json.endObject()
            }
            json.endArray()
            json.key("otherGroups")
            json.integer(table.otherGroupCount + max(0, table.rows.count - rowLimit))
            var others = table.others
            for row in table.rows.dropFirst(rowLimit) {
                for (bucket, count) in row.counts.enumerated() { others[bucket] += count }
            }
            cells("others", others)
            json.endObject()
        }
        json.endArray()
    }

    /// The processes in an order in which parents come first, with the row of the table that counts their events.
    private mutating func writeProcesses() {
        var rows: [UInt64: Int] = [:]
        if let table = content.tables.first(where: { $0.grouping == .process }) {
            for (index, row) in table.rows.prefix(rowLimit).enumerated() {
                if let instance = table.keys.instance(row.group) { rows[instance] = index }
            }
        }
        var places: [UInt64: Int] = [:]
        json.key("processes")
        json.beginArray()
        for (process, parent) in content.forest.ordered(of: Set(rows.keys)) {
            places[process.instance] = places.count
            json.beginObject()
            json.key("pid")
            json.integer(process.pid)
            json.key("instance")
            json.string("\(process.instance)")
            if let parent = parent.flatMap({ places[$0] }) {
                json.key("parent")
                json.integer(parent)
            }
            if let row = rows[process.instance] {
                json.key("row")
                json.integer(row)
            }
            for (name, value) in [
                ("comm", process.comm), ("exe", process.exe), ("script", process.script),
                ("cmdline", process.commandLine),
            ] {
                guard let value else { continue }
                json.key(dynamic: name)
                json.string(PageText.shown(value.bytes))
            }
            if let uid = process.uid { text("user", PageText.shown(users.name(of: uid) ?? Array("\(uid)".utf8))) }
            if let start = process.start { moment("start", start) }
            json.endObject()
        }
        json.endArray()
    }

    private mutating func writeDatabases() {
        json.key("databases")
        json.beginArray()
        var places: [UUIDBytes: Int] = [:]
        for database in content.databases.databases {
            places[database.stream.uuid] = places.count
            json.beginObject()
            let name = database.stream.paths.last?.bytes ?? Array(database.stream.uuid.hexadecimalText.utf8)
            text("name", PageText.shown(name))
            text("condition", database.stream.condition.name)
            json.key("commits")
            json.integer(database.commitCount)
            json.key("pages")
            json.integer(database.pageCount)
            json.key("bytes")
            json.integer(database.byteCount)
            cells("cells", database.counts)
            json.endObject()
        }
        json.endArray()
        json.key("hiddenDatabases")
        json.integer(content.databases.hiddenCount)
        json.key("commitCount")
        json.integer(content.databases.commitCount)
        json.key("commits")
        json.beginArray()
        for commit in content.databases.commits {
            guard let place = places[commit.stream] else { continue }
            json.beginObject()
            json.key("db")
            json.integer(place)
            json.key("number")
            json.integer(commit.number)
            moment("low", commit.low)
            moment("high", commit.high)
            json.key("pages")
            json.integer(commit.pageCount)
            json.key("bytes")
            json.integer(commit.byteCount)
            text("by", commit.attribution)
            text("writers", Self.text(commit.writers))
            json.endObject()
        }
        json.endArray()
    }

    private static func text(_ processes: [ActorProcess]) -> String {
        let shown = processes.prefix(maximumWriterCount).map { process in
            "\(process.pid)" + ((process.exe ?? process.comm).map { " " + PageText.shown($0.bytes) } ?? "")
        }
        let more = processes.count - shown.count
        return PageText.shortened((shown + (more > 0 ? ["\(more) more"] : [])).joined(separator: ", "))
    }

    private mutating func writeGaps() {
        var missing: [MissingTime] = content.gaps.map {
            MissingTime(
                kind: $0.kind.rawValue, from: $0.from, to: $0.to, count: $0.count, scope: $0.scope?.bytes,
                cause: $0.cause)
        }
        for reason in content.findings.reasons {
            if case .uncovered(let from, let to) = reason {
                missing.append(
                    MissingTime(kind: "not_recorded", from: from, to: to, cause: "nothing was recorded"))
            }
        }
        missing.sort { ($0.from, $0.to) < ($1.from, $1.to) }
        json.key("gaps")
        json.beginArray()
        for gap in missing.prefix(Self.maximumGapCount) {
            json.beginObject()
            text("type", gap.kind)
            moment("from", gap.from)
            moment("to", gap.to)
            if let count = gap.count {
                json.key("count")
                json.integer(count)
            }
            if let scope = gap.scope { text("scope", PageText.shown(scope)) }
            text("cause", PageText.shown(Array(gap.cause.utf8)))
            json.endObject()
        }
        json.endArray()
        json.key("gapCount")
        json.integer(missing.count)
        json.key("missing")
        json.beginArray()
        for span in MissingTime.spans(of: missing, on: content.axis) {
            json.beginArray()
            json.integer(span.from.microsecondsRoundedDown)
            json.integer(span.to.microsecondsRoundedUp)
            json.endArray()
        }
        json.endArray()
    }

    private mutating func writeNotes() {
        json.key("noteCount")
        json.integer(content.notes.count)
        json.key("notes")
        json.beginArray()
        for note in content.notes.suffix(Self.maximumNoteCount) {
            json.beginObject()
            moment("time", note.moment)
            if let uid = note.uid { text("user", PageText.shown(users.name(of: uid) ?? Array("\(uid)".utf8))) }
            text("text", PageText.shown(Array(note.text.utf8)))
            json.endObject()
        }
        json.endArray()
    }

    private mutating func text(_ name: StaticString, _ value: String) {
        json.key(name)
        json.string(value)
    }

    private mutating func moment(_ name: StaticString, _ value: Instant) {
        json.key(name)
        json.integer(value.microsecondsRoundedDown)
    }

    private mutating func cells(_ name: StaticString, _ counts: [UInt64]) {
        json.key(name)
        json.beginArray()
        for (bucket, count) in counts.enumerated() where count > 0 {
            json.integer(bucket)
            json.integer(count)
        }
        json.endArray()
    }
}
