internal import Block
package import Model
internal import Store
internal import Syscalls

/// `varve tree`: which names there were below a directory at a moment, as far as the record knows.
package struct TreeAnswer {
    private let context: QueryContext
    private let directories: [RawPath]
    private let moment: Instant
    private let depth: Int
    private let showsGone: Bool
    private let maximumNameCount: Int

    /// Parameters: `moment` nil is now; `depth` is how many levels are shown, nil for all; `maximumNameCount` nil is
    /// `NameForest.maximumCount`.
    ///
    /// Throws: `UsageError`.
    package init(
        _ context: QueryContext, under directories: [RawPath], at moment: Instant?, depth: Int? = nil,
        showsGone: Bool = false, maximumNameCount: Int? = nil
    ) throws(UsageError) {
        guard !directories.isEmpty else { throw UsageError("tree needs --under DIR") }
        if let depth, depth < 1 { throw UsageError("--depth must be at least 1") }
        self.context = context
        self.directories = directories
        self.moment = moment ?? Clock.realtime()
        self.depth = depth ?? .max
        self.showsGone = showsGone
        self.maximumNameCount = maximumNameCount ?? NameForest.maximumCount
    }

    /// Prints the names. Throws: `StoreError`, `AnswerOutput.Failure`, `UsageError` for too many names.
    package func run() throws -> AnswerStatus {
        var selection = Selection()
        selection.directories = directories.map { Glob(under: $0) }
        selection.until = moment.advanced(byNanoseconds: 1)
        let question = try Question(context, selection)
        question.neededOperations = [.create, .delete, .rename]
        // What came later tells of names as well.
        let renamed = try RenamedDirectories(question, Selection(), of: directories)
        var asked = Selection()
        asked.paths = try renamed.paths
        let scan = question.scan(asked)
        let (forest, crossing, unread) = try read(scan, renamed.places)
        let then = NamesThen(
            forest, at: moment, crossing: crossing, reasons: question.reasons(since: nil, until: nil))
        var trees: [(directory: RawPath, names: [NamesThen.Name])] = []
        for directory in directories {
            guard let names = then.names(below: directory, depth: depth) else {
                context.messages.say("nothing in the record tells of \(TerminalText.escaped(directory.bytes)) then")
                continue
            }
            trees.append((directory, names))
        }
        let names = trees.flatMap(\.names)
        switch context.rowFormat {
        case .table:
            for tree in trees { try writeText(tree.directory, tree.names, forest) }
        case .csv: try writeCSV(names, forest)
        case .json, .jsonl: try writeJSON(names, forest)
        }
        try context.output.flush()
        sayWhatIsKnown(names)
        let first = question.covered.map { min($0.from, moment) } ?? moment
        return question.conclude(
            found: names.contains { $0.state != .gone }, scan, isWhole: false,
            reasons: question.reasons(since: first, until: selection.until) + renamed.reasons + unread)
    }

    /// The names of all that happened, those that events touched whose windows hold the moment, and why later events may
    /// tell of further ones.
    ///
    /// Throws: `UsageError` where there are too many names already up to the moment; what they were then is not known.
    private func read(
        _ scan: Scan, _ places: FollowedPlaces
    ) throws -> (NameForest, crossing: Set<UInt32>, unread: [Completeness.Reason]) {
        var forest = NameForest(following: places, keepsGone: showsGone, maximumCount: maximumNameCount)
        var unread: [Completeness.Reason] = []
        var crossing: Set<UInt32> = []
        var hasBegun = false
        do {
            try scan.forEachNameEvent { event in
                // The numbers order what happened, also where the clock was set back later.
                if !hasBegun, event.window.time > moment {
                    forest.begin()
                    hasBegun = true
                }
                try forest.take(event)
                if hasBegun, event.window.earliest < moment, let subject = forest.subject, forest[subject].origin != nil
                {
                    crossing.insert(subject)
                }
            }
        } catch let overflow as NameForest.Overflow {
            let remedy = "ask for a directory further down" + (showsGone ? ", or without --gone" : "")
            guard hasBegun else { throw UsageError("more than \(maximumNameCount) names up to then; \(remedy)") }
            unread.append(overflow.reason(maximumCount: maximumNameCount, remedy: remedy))
        }
        if !hasBegun { forest.begin() }
        forest.end()
        return (forest, crossing, unread)
    }

    /// What the answer rests on, and what it cannot tell.
    private func sayWhatIsKnown(_ names: [NamesThen.Name]) {
        func count(_ state: NamesThen.State) -> Int { names.count(where: { $0.state == state }) }
        let known = count(.known)
        var parts = [
            known == 1 ? "1 name known" : "\(known) names known", "\(count(.inferred)) inferred from later events",
        ]
        if showsGone { parts.append("\(count(.gone)) gone") }
        let doubtful = names.count(where: { !$0.doubts.isEmpty })
        if doubtful > 0 { parts.append("\(doubtful) of them not certain") }
        context.messages.say(parts.joined(separator: ", ") + "; names that no event told of are not listed")
    }

    // MARK: Output

    private func writeText(_ directory: RawPath, _ names: [NamesThen.Name], _ forest: NameForest) throws {
        var time = TimestampWriter(zone: context.zone)
        TerminalText.append(directory.bytes, to: &context.output.bytes)
        context.output.bytes.append(text: "  at ")
        time.appendForPeople(moment, to: &context.output.bytes)
        context.output.bytes.append(string: " (\(context.zone.name))\n")
        let branches: (next: StaticString, last: StaticString, passing: StaticString) =
            context.output.terminal?.isUTF8 ?? true ? ("├── ", "└── ", "│   ") : ("|-- ", "`-- ", "|   ")
        // Whether each open directory has further names, so that its line goes on.
        var goesOn: [Bool] = []
        for name in names {
            goesOn.removeLast(max(0, goesOn.count - name.depth))
            for line in goesOn {
                context.output.bytes.append(text: line ? branches.passing : "    ")
            }
            context.output.bytes.append(text: name.isLast ? branches.last : branches.next)
            goesOn.append(!name.isLast)
            let node = forest[name.index]
            TerminalText.append(forest.originName(name.index), to: &context.output.bytes)
            if node.isDirectory { context.output.bytes.append(text: "/") }
            var remarks: [String] = []
            if name.state != .known { remarks.append(name.state.rawValue) }
            if name.linkCount > 1 { remarks.append("\(name.linkCount) links") }
            if !name.doubts.isEmpty {
                remarks.append("not certain: " + name.doubts.map(\.rawValue).joined(separator: ", "))
            }
            if !remarks.isEmpty { context.output.bytes.append(string: "  (\(remarks.joined(separator: "; ")))") }
            context.output.bytes.append(text: "\n")
            try context.output.flushIfDue()
        }
    }

    private func writeJSON(_ names: [NamesThen.Name], _ forest: NameForest) throws {
        var time = TimestampWriter()
        var rows = JSONRows(isArray: context.rowFormat == .json)
        for name in names {
            let node = forest[name.index]
            rows.begin()
            rows.json.path("path", raw: "path_raw", name.path.bytes)
            rows.json.key("state")
            rows.json.string(name.state.rawValue)
            if node.isDirectory {
                rows.json.key("dir")
                rows.json.boolean(true)
            }
            rows.json.key("witnessed")
            rows.json.time(node.witnessed, &time)
            if let object = node.object, object.root != FileIdentity.opaqueRoot {
                rows.json.key("inode")
                rows.json.integer(object.inode)
            }
            if name.linkCount > 1 {
                rows.json.key("links")
                rows.json.integer(name.linkCount)
            }
            if !name.doubts.isEmpty {
                rows.json.key("uncertain")
                rows.json.beginArray()
                for doubt in name.doubts { rows.json.string(doubt.rawValue) }
                rows.json.endArray()
            }
            rows.end()
            try context.output.take(&rows.json.bytes)
        }
        context.output.bytes += rows.finish()
    }

    private func writeCSV(_ names: [NamesThen.Name], _ forest: NameForest) throws {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for title in ["path", "state", "dir", "witnessed", "links", "uncertain"] { csv.field(title) }
        csv.endRow()
        for name in names {
            let node = forest[name.index]
            csv.field(name.path.bytes)
            csv.field(name.state.rawValue)
            csv.field(node.isDirectory ? "true" : "")
            csv.field(TimestampWriter.text(node.witnessed))
            csv.field(integer: name.linkCount)
            csv.field(name.doubts.map(\.rawValue).joined(separator: " "))
            csv.endRow()
            try context.output.take(&csv.bytes)
        }
        context.output.bytes += csv.bytes
    }
}
