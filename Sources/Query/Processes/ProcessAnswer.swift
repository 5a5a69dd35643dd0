internal import Block
internal import Model
internal import Store

/// `varve process PID[@TIME]`: who a process was, what it ran, and what it did to which file.
package struct ProcessAnswer {
    private let context: QueryContext
    private let argument: ProcessArgument
    private let selection: Selection

    /// The selection narrows what is counted as done by the process; its limit holds for the files of each.
    package init(_ context: QueryContext, _ argument: ProcessArgument, _ selection: Selection) {
        self.context = context
        self.argument = argument
        var selection = selection
        selection.pids = [argument.pid]
        self.selection = selection
    }

    /// Prints each process that had the number, or the one that had it at the moment. Throws: `StoreError`,
    /// `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        var unlimited = selection
        unlimited.limit = nil
        let question = try Question(context, unlimited)
        let search = try ProcessSearch(question, pid: argument.pid)
        var records = search.records
        if let moment = argument.moment {
            // Of those whose end is not known the last to begin has the number.
            records = records.filter { $0.mayHaveLived(at: moment) }.suffix(1)
        }
        let scan = question.scan(unlimited)
        if !records.isEmpty { try count(scan, into: &records) }
        for index in records.indices {
            records[index].files.sort { ($0.first, $0.path.count) < ($1.first, $1.path.count) }
        }
        write(records)
        try context.output.flush()
        var reasons = question.reasons
        if search.lostToPruning { reasons.append(question.lostToPruning) }
        return question.conclude(found: !records.isEmpty, scan, damages: search.damages, reasons: reasons)
    }

    private func count(_ scan: Scan, into records: inout [ProcessRecord]) throws {
        let places = Dictionary(
            records.indices.map { (records[$0].instance, $0) }, uniquingKeysWith: { first, _ in first })
        var filePlaces: [[[UInt8]: Int]] = Array(repeating: [:], count: records.count)
        var counted = records
        try scan.forEachEvent { event, dictionaries in
            guard let process = dictionaries.process(event.process), let place = places[process.instance] else {
                return
            }
            let time = event.window.time
            counted[place].eventCount += 1
            counted[place].firstEvent = min(counted[place].firstEvent ?? time, time)
            counted[place].lastEvent = max(counted[place].lastEvent ?? time, time)
            let program = counted[place].add(process)
            counted[place].programs[program].eventCount += 1
            counted[place].programs[program].first = counted[place].programs[program].first ?? time
            for path in [dictionaries.path(event.path), dictionaries.path(event.target)] {
                guard let path else { continue }
                let file = filePlaces[place][path] ?? counted[place].files.count
                if file == counted[place].files.count {
                    filePlaces[place][path] = file
                    counted[place].files.append(.init(path: path, first: time, last: time))
                }
                counted[place].files[file].operations.formUnion(event.mask)
                counted[place].files[file].eventCount += 1
                counted[place].files[file].last = max(counted[place].files[file].last, time)
            }
        }
        for place in counted.indices { counted[place].sortPrograms() }
        records = counted
    }

    private func write(_ records: [ProcessRecord]) {
        switch context.textFormat {
        case .table:
            var writer = ProcessTextWriter(context)
            for (index, record) in records.enumerated() {
                if index > 0 { context.output.bytes.append(UInt8(ascii: "\n")) }
                writer.write(record, fileLimit: selection.limit ?? Self.shownFileCount, to: &context.output.bytes)
            }
        case .csv: writeCSV(records)
        case .json, .jsonl:
            var rows = JSONRows(isArray: context.textFormat == .json)
            var time = TimestampWriter()
            for record in records {
                rows.begin()
                record.write(to: &rows.json, &time, fileLimit: selection.limit ?? .max)
                rows.end()
            }
            context.output.bytes += rows.finish()
        }
    }

    /// The files, one a row.
    private func writeCSV(_ records: [ProcessRecord]) {
        var csv = CSVWriter(isForTerminal: context.output.isTerminal)
        for column in ["pid", "instance", "path", "op", "events", "first", "last"] { csv.field(column) }
        csv.endRow()
        for record in records {
            for file in record.files.prefix(selection.limit ?? .max) {
                csv.field(integer: argument.pid)
                csv.field(integer: record.instance)
                csv.field(file.path)
                csv.field(file.operations.operationNames.joined(separator: " "))
                csv.field(integer: file.eventCount)
                csv.field(TimestampWriter.text(file.first))
                csv.field(TimestampWriter.text(file.last))
                csv.endRow()
            }
        }
        context.output.bytes += csv.bytes
    }

    /// How many files of each process are shown to people unless `--limit` says otherwise.
    package static let shownFileCount = 20
}

extension ProcessRecord {
    /// Everything that is known, as members of a JSON object.
    fileprivate func write(to json: inout JSONWriter, _ time: inout TimestampWriter, fileLimit: Int) {
        if let last {
            json.key("pid")
            json.integer(last.pid)
            json.members(of: last, &time)
        }
        if let ended {
            json.key("ended")
            json.time(ended, &time)
        } else if let goneBy {
            json.key("gone_by")
            json.time(goneBy, &time)
        }
        if let status {
            let end = ProcessEnd(status: status)
            json.key(end.signal == nil ? "exit_code" : "signal")
            json.integer(end.signal ?? end.code)
        }
        json.key("events")
        json.integer(eventCount)
        json.key("ancestors")
        json.beginArray()
        for ancestor in ancestors { json.relative(ancestor, &time) }
        json.endArray()
        json.key("children")
        json.beginArray()
        for child in children { json.relative(child, &time) }
        json.endArray()
        json.key("programs")
        json.beginArray()
        for program in programs {
            json.beginObject()
            if let first = program.first {
                json.key("first")
                json.time(first, &time)
            }
            json.key("events")
            json.integer(program.eventCount)
            json.text("exe", program.process.exe)
            json.text("script", program.process.script)
            json.text("comm", program.process.comm)
            json.text("cmdline", program.process.commandLine)
            json.number("uid", program.process.uid)
            json.endObject()
        }
        json.endArray()
        json.key("files")
        json.beginArray()
        for file in files.prefix(fileLimit) {
            json.beginObject()
            json.path("path", raw: "path_raw", file.path)
            json.key("op")
            json.beginArray()
            for name in file.operations.operationNames { json.string(name) }
            json.endArray()
            json.key("events")
            json.integer(file.eventCount)
            json.key("first")
            json.time(file.first, &time)
            json.key("last")
            json.time(file.last, &time)
            json.endObject()
        }
        json.endArray()
    }
}

extension JSONWriter {
    fileprivate mutating func relative(_ process: ActorProcess, _ time: inout TimestampWriter) {
        beginObject()
        key("pid")
        integer(process.pid)
        key("instance")
        integer(process.instance)
        if let start = process.start {
            key("start")
            self.time(start, &time)
        }
        text("exe", process.exe)
        text("comm", process.comm)
        text("cmdline", process.commandLine)
        endObject()
    }
}

/// How a process ended, from the number that wait(2) gives.
package struct ProcessEnd {
    /// Of a process that ended by itself.
    package var code: UInt32
    /// The signal that ended it.
    package var signal: UInt32?

    package init(status: UInt32) {
        code = status >> 8 & 0xFF
        signal = status & 0x7F == 0 ? nil : status & 0x7F
    }
}
