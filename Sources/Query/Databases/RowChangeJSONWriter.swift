internal import Model
internal import SQLitePages

/// Writes each change as a JSON object of its own line.
///
/// A row: `{"change":"inserted|updated|deleted","table":"…","rowid":1,"old":{"COLUMN":value},"new":{…},"commit":…}`; `key`
/// in place of `rowid` in a table without one, neither where the table was rewritten. Values: numbers (integers exact, reals
/// with as many digits as tell them from all others), strings, null, and objects for what JSON has no form for:
/// `{"blob_base64":"…"}`, `{"text_base64":"…"}` (text that is not UTF-8), `{"real":"inf"}`, `{"unread_bytes":n}`. Columns
/// that the row does not hold are left out.
struct RowChangeJSONWriter: RowChangeWriter {
    private var json = JSONWriter()
    private var time = TimestampWriter()

    mutating func begin(into bytes: inout [UInt8]) {}

    mutating func write(_ item: RowDiffItem, _ origin: ChangeOrigin?, into bytes: inout [UInt8]) {
        json.beginObject()
        switch item {
        case .row(let table, let change): members(of: change, table)
        case .schema(let change): members(of: change)
        case .rewritten(let table):
            text("change", "rewritten")
            string("table", table.name)
        case .unreadable: break
        }
        if let origin { members(of: origin) }
        json.endObject()
        json.endLine()
        bytes.append(contentsOf: json.bytes)
        json.bytes.removeAll(keepingCapacity: true)
    }

    private mutating func members(of change: RowChange, _ table: DiffedTable) {
        text("change", change.kind.rawValue)
        string("table", table.name)
        if table.label != .user { label(table.label) }
        switch change.key {
        case .rowid(let rowid):
            json.key("rowid")
            json.integer(rowid)
        case .primaryKey(let values):
            json.key("key")
            json.beginArray()
            for key in values { value(key) }
            json.endArray()
        case .none: break
        }
        if let old = change.old { row("old", old) { table.columnName($0, old: true) } }
        if let new = change.new { row("new", new) { table.columnName($0, old: false) } }
    }

    private mutating func label(_ label: TableLabel) {
        switch label {
        case .user: return
        case .internal: text("label", "internal")
        case .shadow(let owner):
            text("label", "shadow")
            string("of", owner)
        }
    }

    private mutating func row(_ name: StaticString, _ values: [SQLiteValue], _ column: (Int) -> [UInt8]) {
        json.key(name)
        json.beginObject()
        for (index, content) in values.enumerated() where content != .absent {
            json.key(dynamic: String(decoding: column(index), as: UTF8.self))
            value(content)
        }
        json.endObject()
    }

    private mutating func value(_ value: SQLiteValue) {
        switch value {
        case .null, .absent: json.null()
        case .integer(let number): json.integer(number)
        case .real(let number):
            if number.isFinite { json.number(number) } else { object("real") { $0.string("\(number)") } }
        case .text(let text):
            if UTF8Scanner.isValid(text) { json.string(bytes: text) } else { object("text_base64") { $0.base64(text) } }
        case .blob(let blob): object("blob_base64") { $0.base64(blob) }
        case .unread(let count): object("unread_bytes") { $0.integer(count) }
        }
    }

    private mutating func object(_ name: StaticString, _ value: (inout JSONWriter) -> Void) {
        json.beginObject()
        json.key(name)
        value(&json)
        json.endObject()
    }

    private mutating func members(of change: SchemaChange) {
        let (word, entry) = change.words
        text("schema", word)
        if let entry {
            text("kind", entry.kind.rawValue)
            string("name", entry.name)
            string("table", entry.tableName)
        }
        switch change {
        case .created(let entry): string("sql", entry.sql)
        case .dropped(let entry): string("old_sql", entry.sql)
        case .altered(let old, let new):
            string("old_sql", old.sql)
            string("sql", new.sql)
        case .renamed(let old, _): string("old_name", old.name)
        case .moved(let old, let new):
            number("old_root", Int64(old.rootPage))
            number("root", Int64(new.rootPage))
        case .setting(let name, let from, let to):
            text("name", name)
            number("old", from)
            number("new", to)
        }
    }

    private mutating func members(of origin: ChangeOrigin) {
        json.key("commit")
        json.integer(origin.commit)
        json.key("t_lo")
        json.time(origin.low, &time)
        json.key("t_hi")
        json.time(origin.high, &time)
        text("attribution", origin.attribution.rawValue)
        json.key("writers")
        json.beginArray()
        for writer in origin.writers {
            json.beginObject()
            json.key("pid")
            json.integer(writer.pid)
            json.members(of: writer, &time)
            json.endObject()
        }
        json.endArray()
    }

    private mutating func text(_ name: StaticString, _ value: String) {
        json.key(name)
        json.string(value)
    }

    private mutating func string(_ name: StaticString, _ value: [UInt8]) {
        json.key(name)
        json.string(bytes: value)
    }

    private mutating func number(_ name: StaticString, _ value: Int64) {
        json.key(name)
        json.integer(value)
    }
}
