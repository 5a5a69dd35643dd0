internal import Block
package import Model
internal import Store

/// `varve changes`: the net effect of a range of time on each path.
///
/// Where more names changed than are held, the answer is that of the range up to there, and says so.
package struct ChangesAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let directories: [RawPath]
    private let kinds: Set<String>
    private let maximumNameCount: Int

    /// Which changes are shown unless they are named.
    private static let usualKinds = Set(NetChange.Kind.allCases.map(\.rawValue)).subtracting(["transient"])
    /// The words of `--what`.
    package static var kindNames: [String] { NetChange.Kind.allCases.map(\.rawValue) }

    /// Of the selection, `paths` choose among the changes, by the name at the start or at the end, and the conditions on
    /// processes among the events. `kinds` empty: all but transient; `directories` empty: everywhere; `maximumNameCount`
    /// nil: `NameForest.maximumCount`.
    ///
    /// Throws: `UsageError` for a kind that there is not, and for operations.
    package init(
        _ context: QueryContext, _ selection: Selection, under directories: [RawPath], kinds: [String] = [],
        showsTransient: Bool = false, maximumNameCount: Int? = nil
    ) throws(UsageError) {
        guard selection.operations.isEmpty else {
            throw UsageError("changes tells what all operations come to; --what chooses among the changes")
        }
        for kind in kinds where !Self.kindNames.contains(kind) {
            throw UsageError("unknown change '\(kind)'; known are \(Self.kindNames.joined(separator: ", "))")
        }
        self.context = context
        self.selection = selection
        self.directories = directories
        var shown = kinds.isEmpty ? Self.usualKinds : Set(kinds)
        if showsTransient { shown.insert(NetChange.Kind.transient.rawValue) }
        self.kinds = shown
        self.maximumNameCount = maximumNameCount ?? NameForest.maximumCount
    }

    /// Prints the changes by path. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        question.neededOperations = [.create, .delete, .rename, .modify]
        var reasons = question.reasons
        var asked = selection
        asked.paths = []
        asked.isReversed = false
        asked.operations = [.create, .delete, .rename, .modify, .closeWrite, .attrib]
        var places: FollowedPlaces?
        if !directories.isEmpty {
            let renamed = try RenamedDirectories(question, selection, of: directories)
            asked.directories = []
            asked.paths = try renamed.paths
            places = renamed.places
            reasons += renamed.reasons
        }
        let keepsTransient = kinds.contains(NetChange.Kind.transient.rawValue)
        let isNarrow = !directories.isEmpty || !selection.paths.isEmpty
        var forest = NameForest(
            following: places, keepsGone: keepsTransient, maximumCount: maximumNameCount,
            counting: isNarrow ? isAskedFor : nil)
        forest.begin()
        let scan = question.scan(asked)
        var isWhole = true
        do {
            try scan.forEachNameEvent { event in try forest.take(event) }
        } catch let overflow as NameForest.Overflow {
            isWhole = false
            reasons.append(
                overflow.reason(
                    maximumCount: maximumNameCount,
                    remedy: "ask for a shorter range or a directory further down"
                        + (keepsTransient ? ", or without transient ones" : "")))
        }
        forest.end()
        let changes = NetChange.list(forest).filter { change in
            kinds.contains(change.kind.rawValue) && (isAskedFor(change.path) || change.from.map(isAskedFor) ?? false)
        }
        let ordered = selection.isReversed ? changes.reversed() : changes
        let shown = Array(ordered.prefix(selection.limit ?? .max))
        switch context.rowFormat {
        case .table: try writeTable(shown, forest)
        case .json, .jsonl: try writeJSON(shown, forest)
        case .csv: try writeCSV(shown, forest)
        }
        try context.output.flush()
        if shown.count < changes.count {
            context.messages.say("\(changes.count - shown.count) more changes are not shown (--limit)")
        }
        if forest.forgottenCount > 0 {
            let many = forest.forgottenCount == 1 ? "1 name was" : "\(forest.forgottenCount) names were"
            context.messages.say("\(many) made and gone again within the range (--transient shows them)")
        }
        return question.conclude(found: !shown.isEmpty, scan, isWhole: isWhole, reasons: reasons)
    }

    private func isAskedFor(_ name: RawPath) -> Bool {
        (directories.isEmpty || directories.contains { name.isAtOrUnder($0) })
            && (selection.paths.isEmpty || selection.paths.contains { $0.matches(name.bytes) })
    }

    // MARK: Output

    /// A table comes in pieces of so many rows, each with columns as wide as it needs, so that it is never held whole.
    private static let tablePieceRowCount = 500

    private func writeTable(_ changes: [NetChange], _ forest: NameForest) throws {
        for start in stride(from: 0, to: changes.count, by: Self.tablePieceRowCount) {
            writeTable(piece: changes[start..<min(start + Self.tablePieceRowCount, changes.count)], forest)
            try context.output.flushIfDue()
        }
    }

    private func writeTable(piece changes: ArraySlice<NetChange>, _ forest: NameForest) {
        var time = TimestampWriter(zone: context.zone)
        var table = TextTable([
            ("CHANGE", .left), ("EVENTS", .right), (time.title("FIRST"), .left), ("LAST", .left), ("PID", .right),
            ("BY", .left), ("PATH", .left),
        ])
        for change in changes {
            let node = change.node(forest)
            var moments: [[UInt8]] = [[], []]
            time.appendForPeople(node.first.time, to: &moments[0])
            time.appendForPeople(node.last.time, to: &moments[1])
            var path = change.path.bytes
            if node.isDirectory, path.last != UInt8(ascii: "/") { path.append(UInt8(ascii: "/")) }
            if let from = change.from { path += Array(" (was ".utf8) + from.bytes + Array(")".utf8) }
            for remark in remarks(change) { path += Array(" (\(remark))".utf8) }
            let actor = node.lastActor
            table.append([
                Array(change.kind.rawValue.utf8), Array("\(node.count)".utf8), moments[0], moments[1],
                Array((actor.map { "\($0.pid)" } ?? "-").utf8),
                (actor?.program ?? actor?.comm)?.bytes ?? Array("-".utf8), path,
            ])
        }
        table.write(to: context.output)
    }

    private func remarks(_ change: NetChange) -> [String] {
        var words: [String] = []
        if change.isModified { words.append("modified") }
        if change.hasReplaced { words.append("replaced another") }
        if change.mayHaveReplaced { words.append("perhaps in place of another") }
        if change.isUncertain { words.append("uncertain") }
        return words
    }

    private func uncertainties(_ change: NetChange) -> [String] {
        (change.isUncertain ? ["path"] : []) + (change.mayHaveReplaced ? ["replaced"] : [])
    }

    private func writeJSON(_ changes: [NetChange], _ forest: NameForest) throws {
        var time = TimestampWriter()
        var rows = JSONRows(isArray: context.rowFormat == .json)
        for change in changes {
            let node = change.node(forest)
            rows.begin()
            rows.json.key("change")
            rows.json.string(change.kind.rawValue)
            rows.json.path("path", raw: "path_raw", change.path.bytes)
            if let from = change.from { rows.json.path("from", raw: "from_raw", from.bytes) }
            for (name, value) in [
                ("dir", node.isDirectory), ("modified", change.isModified), ("replaced", change.hasReplaced),
            ] where value {
                rows.json.key(dynamic: name)
                rows.json.boolean(true)
            }
            rows.json.key("events")
            rows.json.integer(node.count)
            rows.json.key("first")
            rows.json.time(node.first.time, &time)
            rows.json.key("first_seq")
            rows.json.integer(node.first.sequence)
            rows.json.key("last")
            rows.json.time(node.last.time, &time)
            rows.json.key("last_seq")
            rows.json.integer(node.last.sequence)
            if let actor = node.lastActor {
                rows.json.key("by")
                rows.json.object(actor)
            }
            if let actor = node.firstActor, actor.instance != node.lastActor?.instance {
                rows.json.key("first_by")
                rows.json.object(actor)
            }
            let words = uncertainties(change)
            if !words.isEmpty {
                rows.json.key("uncertain")
                rows.json.beginArray()
                for word in words { rows.json.string(word) }
                rows.json.endArray()
            }
            rows.end()
            try context.output.take(&rows.json.bytes)
        }
        context.output.bytes += rows.finish()
    }

    private func writeCSV(_ changes: [NetChange], _ forest: NameForest) throws {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in [
            "change", "path", "from", "dir", "modified", "replaced", "events", "first", "first_seq", "last", "last_seq",
            "pid", "instance", "program", "comm", "uid", "uncertain",
        ] { csv.field(title) }
        csv.endRow()
        for change in changes {
            let node = change.node(forest)
            csv.field(change.kind.rawValue)
            csv.field(change.path.bytes)
            csv.field(change.from?.bytes ?? [])
            for value in [node.isDirectory, change.isModified, change.hasReplaced] {
                csv.field(value ? "true" : "")
            }
            csv.field(integer: node.count)
            csv.field(TimestampWriter.text(node.first.time))
            csv.field(integer: node.first.sequence)
            csv.field(TimestampWriter.text(node.last.time))
            csv.field(integer: node.last.sequence)
            let actor = node.lastActor
            csv.field(actor.map { "\($0.pid)" } ?? "")
            csv.field(actor.map { "\($0.instance)" } ?? "")
            csv.field(actor?.program?.bytes ?? [])
            csv.field(actor?.comm?.bytes ?? [])
            csv.field(actor?.uid.map { "\($0)" } ?? "")
            csv.field(uncertainties(change).joined(separator: " "))
            csv.endRow()
            try context.output.take(&csv.bytes)
        }
        context.output.bytes += csv.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func object(_ actor: NameActor) {
        beginObject()
        key("pid")
        integer(actor.pid)
        key("instance")
        integer(actor.instance)
        for (name, value) in [("program", actor.program), ("comm", actor.comm)] {
            guard let value else { continue }
            key(dynamic: name)
            string(bytes: value.bytes)
        }
        if let uid = actor.uid {
            key("uid")
            integer(uid)
        }
        endObject()
    }
}
