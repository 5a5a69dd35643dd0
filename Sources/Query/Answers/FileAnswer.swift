internal import Block
package import Model
internal import Store

/// `varve file PATH`: the life stories of the files that had this name, through all their renames.
package struct FileAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let path: RawPath
    private let searchesLinks: Bool

    /// Of the selection the range, the limit and the order count. `path` is absolute; with `searchesLinks` every create in
    /// the range is looked at for further names of the same files, which takes as long as reading all of it.
    package init(_ context: QueryContext, _ selection: Selection, path: RawPath, searchesLinks: Bool = false) {
        self.context = context
        self.searchesLinks = searchesLinks
        var selection = selection
        selection.paths = []
        selection.directories = []
        self.selection = selection
        self.path = path
    }

    /// Prints the stories in the order in which things happened. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        var asked = selection
        asked.paths = [try Self.glob(path)]
        asked.isReversed = false
        asked.limit = nil
        let question = try Question(context, asked)
        var names = FileNames(path)
        var events: [UInt64: FileLife.Event] = [:]
        var scan = question.scan(asked)
        var scans: [Scan] = []
        var files: Set<FileIdentity> = []
        var moves: [UInt64: FileLife.Event] = [:]
        // Each round may learn of names that the files had before and after.
        for _ in 0..<FileNames.maximumRoundCount {
            let known = names.count
            asked.paths = try names.all.map(Self.glob)
            scan = question.scan(asked)
            scans.append(scan)
            try collect(scan, into: &events)
            files = names.learn(from: events.values)
            if searchesLinks, !files.isEmpty {
                var creates = selection
                creates.operations = .create
                let links = question.scan(creates)
                scans.append(links)
                try collect(links, into: &events) { files.contains($0) }
                files = names.learn(from: events.values)
            }
            var above = asked
            above.paths = try names.ancestors.map(Self.glob)
            above.operations = .rename
            if !above.paths.isEmpty {
                let renames = question.scan(above)
                scans.append(renames)
                try collect(renames, into: &moves)
            }
            names.follow(moves.values.sorted { $0.sequence < $1.sequence })
            if names.count == known { break }
        }
        question.askedPlaces = asked.askedPlaces
        var life = FileLife()
        // A directory that is asked for itself is among the events as well.
        let story = events.merging(moves) { event, _ in event }
        for event in story.values.sorted(by: { $0.sequence < $1.sequence }) {
            life.take(event) { files.contains($0) }
        }
        var rows = selection.isReversed ? life.rows.reversed() : life.rows
        if let limit = selection.limit { rows = Array(rows.prefix(limit)) }
        switch context.rowFormat {
        case .table: writeTable(rows)
        case .json, .jsonl: writeJSON(rows)
        case .csv: writeCSV(rows)
        }
        try context.output.flush()
        return question.conclude(found: !rows.isEmpty, scan, after: scans)
    }

    private static func glob(_ path: RawPath) throws(GlobError) -> Glob {
        try Glob(PathArgument.escaped(path.bytes))
    }

    private func collect(
        _ scan: Scan, into events: inout [UInt64: FileLife.Event], only isWanted: ((FileIdentity) -> Bool)? = nil
    ) throws {
        try scan.forEachEvent { event, dictionaries in
            if let isWanted, !(event.object.map(isWanted) ?? false) { return }
            guard events[event.sequence] == nil, let path = dictionaries.path(event.path) else { return }
            events[event.sequence] = FileLife.Event(
                sequence: event.sequence, window: event.window, mask: event.mask,
                isUncertain: event.flags.contains(.uncertainPath), path: RawPath(path),
                target: dictionaries.path(event.target).map { RawPath($0) }, object: event.object,
                process: dictionaries.process(event.process))
        }
    }

    // MARK: Output

    private func writeTable(_ rows: [FileLife.Row]) {
        guard !rows.isEmpty else { return }
        var time = TimestampWriter(zone: context.zone)
        var table = TextTable([
            ("LIFE", .right), (time.title("TIME"), .left), ("WHAT", .left), ("COUNT", .right), ("PID", .right),
            ("EXE", .left),
            ("PATH", .left),
        ])
        for row in rows {
            var moment: [UInt8] = []
            time.appendForPeople(row.event.window.time, to: &moment)
            var path = row.event.path.bytes
            if let target = row.event.target { path += Array(" -> ".utf8) + target.bytes }
            if row.event.isUncertain { path += Array(" (uncertain)".utf8) }
            let program = row.event.process?.script ?? row.event.process?.exe ?? row.event.process?.comm
            table.append([
                Array("\(row.life)".utf8), moment, Array(row.deed.rawValue.utf8), Array("\(row.count)".utf8),
                Array((row.event.process.map { "\($0.pid)" } ?? "-").utf8), program?.bytes ?? Array("-".utf8), path,
            ])
        }
        table.write(to: context.output)
    }

    private func writeJSON(_ rows: [FileLife.Row]) {
        var time = TimestampWriter()
        var output = JSONRows(isArray: context.rowFormat == .json)
        for row in rows {
            output.begin()
            output.json.key("life")
            output.json.integer(row.life)
            output.json.key("what")
            output.json.string(row.deed.rawValue)
            output.json.key("seq")
            output.json.integer(row.event.sequence)
            output.json.key("time")
            output.json.time(row.event.window.time, &time)
            if row.count > 1 {
                output.json.key("last")
                output.json.time(row.last.time, &time)
            }
            output.json.key("count")
            output.json.integer(row.count)
            output.json.path("path", raw: "path_raw", row.event.path.bytes)
            if let target = row.event.target { output.json.path("target", raw: "target_raw", target.bytes) }
            if let object = row.event.object, object.root != FileIdentity.opaqueRoot {
                output.json.key("inode")
                output.json.integer(object.inode)
            }
            if let process = row.event.process { write(process, &output.json) }
            if row.event.isUncertain {
                output.json.key("uncertain")
                output.json.beginArray()
                output.json.string("path")
                output.json.endArray()
            }
            output.end()
        }
        context.output.bytes += output.finish()
    }

    private func write(_ process: ActorProcess, _ json: inout JSONWriter) {
        json.key("pid")
        json.integer(process.pid)
        for (name, value) in [("exe", process.exe), ("script", process.script), ("comm", process.comm)] {
            guard let value else { continue }
            switch name {
            case "exe": json.key("exe")
            case "script": json.key("script")
            default: json.key("comm")
            }
            json.string(bytes: value.bytes)
        }
        if let uid = process.uid {
            json.key("uid")
            json.integer(uid)
        }
    }

    private func writeCSV(_ rows: [FileLife.Row]) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["life", "what", "seq", "time", "last", "count", "path", "target", "pid", "exe"] {
            csv.field(title)
        }
        csv.endRow()
        for row in rows {
            csv.field("\(row.life)")
            csv.field(row.deed.rawValue)
            csv.field("\(row.event.sequence)")
            csv.field(TimestampWriter.text(row.event.window.time))
            csv.field(TimestampWriter.text(row.last.time))
            csv.field("\(row.count)")
            csv.field(row.event.path.bytes)
            csv.field(row.event.target?.bytes ?? [])
            csv.field(row.event.process.map { "\($0.pid)" } ?? "")
            csv.field(row.event.process?.exe?.bytes ?? [])
            csv.endRow()
        }
        context.output.bytes += csv.bytes
    }
}

/// The names that the files which had one name had before and after it.
///
/// A name that a file had by the rename of a directory above it counts only for the time before or after that rename:
/// another file may have it at another time.
struct FileNames {
    /// When a name counts, in event numbers.
    private struct Span: Hashable {
        var from: UInt64
        var to: UInt64
    }

    static let maximumRoundCount = 32
    private static let maximumCount = 4_096

    private let first: RawPath
    /// Names at which any file is one of those asked for, and when.
    private var spans: [RawPath: Set<Span>]
    /// Names that the files were given by renames of their own, and when they had them.
    private var others: [RawPath: Span] = [:]

    init(_ path: RawPath) {
        first = path
        spans = [path: [Span(from: 0, to: .max)]]
    }

    var all: Set<RawPath> { Set(others.keys).union(spans.keys) }
    var count: Int { all.count + spans.values.reduce(0) { $0 + $1.count } }

    /// Every directory above a name.
    var ancestors: Set<RawPath> { Set(all.flatMap(\.ancestors)) }

    /// The files that had one of the names when it counted; their own renames give further names.
    mutating func learn(from events: some Collection<FileLife.Event>) -> Set<FileIdentity> {
        var files: Set<FileIdentity> = []
        for event in events {
            guard let object = event.object else { continue }
            if holds(event.path, at: event.sequence) || event.target.map({ holds($0, at: event.sequence) }) == true {
                files.insert(object)
            }
        }
        for event in events.sorted(by: { $0.sequence < $1.sequence }) where others.count < Self.maximumCount {
            guard let object = event.object, files.contains(object) else { continue }
            let leaves = !event.mask.isDisjoint(with: [.rename, .delete])
            have(event.path, at: event.sequence, isLast: leaves)
            if let target = event.target { have(target, at: event.sequence, isLast: false) }
        }
        return files
    }

    private mutating func have(_ name: RawPath, at sequence: UInt64, isLast: Bool) {
        var span = others[name] ?? Span(from: sequence, to: .max)
        span.from = min(span.from, sequence)
        span.to = isLast ? sequence : .max
        others[name] = span
    }

    /// Renames of directories above a name.
    mutating func follow(_ moves: [FileLife.Event]) {
        for move in moves where move.mask.contains(.onDirectory) {
            guard let target = move.target else { continue }
            let known = spans.merging(others.mapValues { [$0] }) { $0.union($1) }
            for (name, known) in known where spans.count < Self.maximumCount {
                for span in known {
                    // What lies below the new name came from below the old one.
                    let isInTime = span.from <= move.sequence && move.sequence <= span.to
                    if name.isAtOrUnder(target), name != target, isInTime || span.from > move.sequence {
                        add(replacing(target, by: move.path, in: name), Span(from: 0, to: move.sequence))
                    }
                    if name.isAtOrUnder(move.path), name != move.path, isInTime {
                        add(replacing(move.path, by: target, in: name), Span(from: move.sequence, to: .max))
                    }
                }
            }
        }
    }

    private func holds(_ name: RawPath, at sequence: UInt64) -> Bool {
        spans[name]?.contains { $0.from <= sequence && sequence <= $0.to } ?? false
    }

    private mutating func add(_ name: RawPath, _ span: Span) {
        // The name that was asked for counts at all times.
        guard name != first, (spans[name]?.count ?? 0) < 16 else { return }
        spans[name, default: []].insert(span)
    }

    private func replacing(_ directory: RawPath, by other: RawPath, in name: RawPath) -> RawPath {
        RawPath(other.bytes + name.bytes.dropFirst(directory.bytes.count))
    }
}
