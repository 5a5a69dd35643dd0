internal import Block
internal import Model
internal import Store

/// How far an export has come: what a cursor file holds, so that the next one goes on from there.
///
/// Shape: docs/export.md, "Going on".
struct ExportCursor: Hashable {
    /// The newest gap row that was looked at. SQLite may give the number of a pruned row again, so the row's beginning is
    /// kept beside it.
    struct LastGap: Hashable {
        var id: Int64
        var from: Instant
    }

    var store: UUIDBytes
    var format: ExportFormat
    /// `Selection.wishText`.
    var selection: String
    /// The beginning that the first export was asked for.
    var since: Instant?
    /// The first event that was not looked at.
    var nextSequence: UInt64 = 1
    var lastGap: LastGap?
    /// What was said of gaps that may still change, by `ExportGaps.key`.
    var changingGaps: [String: String] = [:]
    /// Up to here the record was surely complete or had its gaps exported.
    var through: Instant?

    static let version: UInt64 = 1
    /// A cursor file that is larger is none.
    static let maximumByteCount = 1 << 20

    init(store: UUIDBytes, format: ExportFormat, selection: Selection) {
        self.store = store
        self.format = format
        self.selection = selection.wishText
        since = selection.since
    }

    /// Reads a cursor file; nil where it is none.
    init?(_ bytes: [UInt8]) {
        guard let value = JSONValue(bytes), value["varve_cursor"]?.unsigned == Self.version,
            let store = value["store"]?.text.flatMap({ UUIDBytes(hexadecimal: $0.utf8) }),
            let format = value["format"]?.text.flatMap(ExportFormat.init(rawValue:)),
            let selection = value["selection"]?.text,
            let nextSequence = value["next_seq"]?.unsigned, nextSequence > 0
        else { return nil }
        func moment(_ value: JSONValue?) -> Instant? {
            value?.text.flatMap { Int64($0) }.map { Instant(nanosecondsSinceEpoch: $0) }
        }
        self.store = store
        self.format = format
        self.selection = selection
        self.nextSequence = nextSequence
        since = moment(value["since_ns"])
        through = moment(value["through_ns"])
        if let id = value["last_gap"]?.text.flatMap({ Int64($0) }), let from = moment(value["last_gap_from_ns"]) {
            lastGap = LastGap(id: id, from: from)
        }
        guard case .object(let members) = value["changing_gaps"] else { return }
        for member in members { changingGaps[member.key] = member.value.text }
    }

    /// The contents of a cursor file.
    var bytes: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("varve_cursor")
        json.integer(Self.version)
        json.key("store")
        json.string(store.hexadecimalText)
        json.key("format")
        json.string(format.rawValue)
        json.key("selection")
        json.string(selection)
        json.number("since_ns", since?.nanosecondsSinceEpoch)
        json.key("next_seq")
        json.integer(nextSequence)
        json.number("last_gap", lastGap?.id)
        json.number("last_gap_from_ns", lastGap?.from.nanosecondsSinceEpoch)
        json.key("changing_gaps")
        json.beginObject()
        for (key, value) in changingGaps.sorted(by: { $0.key < $1.key }) {
            json.key(dynamic: key)
            json.string(value)
        }
        json.endObject()
        json.number("through_ns", through?.nanosecondsSinceEpoch)
        json.endObject()
        json.endLine()
        return json.bytes
    }

    /// Throws: `UsageError` where the cursor is of another export.
    func check(_ other: ExportCursor, path: RawPath) throws(UsageError) {
        let name = TerminalText.escaped(path.bytes)
        guard store == other.store else {
            throw UsageError(
                "\(name) goes on with store \(store.hexadecimalText), this is \(other.store.hexadecimalText)")
        }
        guard format == other.format else {
            throw UsageError("\(name) goes on with an export as \(format.rawValue)")
        }
        guard selection == other.selection else {
            let text = selection.isEmpty ? "everything" : selection
            throw UsageError("\(name) goes on with an export of \(text); one cursor file goes with one selection")
        }
    }
}
