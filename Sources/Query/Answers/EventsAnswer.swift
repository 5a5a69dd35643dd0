internal import Block
internal import Model
internal import Store
internal import Syscalls

/// `varve events`: the events of a selection, in `seq` order.
package struct EventsAnswer {
    private let context: QueryContext
    private let selection: Selection

    package init(_ context: QueryContext, _ selection: Selection) {
        self.context = context
        self.selection = selection
    }

    /// Prints the events. Throws: `StoreError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        var printer = try EventPrinter(
            context, question.reader, users: context.rowFormat == .table ? .system() : nil)
        try printer.begin()
        let scan = question.scan(selection)
        let isWhole: Bool
        do {
            isWhole = try printer.printRows(scan, selection)
        } catch let error as StoreError {
            // What was found before the store failed is still an answer.
            try printer.end()
            throw error
        }
        try printer.end()
        return question.conclude(found: printer.count > 0, scan, isWhole: isWhole)
    }
}

/// Prints the events that scans find, in the context's form or in one of the caller's.
struct EventPrinter {
    private let output: AnswerOutput
    private var writer: any EventWriter
    /// How many events were printed.
    private(set) var count = 0
    /// The block that the writer uses.
    private var block: BlockView?
    /// Makes a writer for the rows of a block alone, where rows do not depend on those before.
    private var makeRowWriter: (@Sendable () -> any RowWriter)?

    init(_ writer: some EventWriter, to output: AnswerOutput) {
        self.writer = writer
        self.output = output
    }

    init(_ context: QueryContext, _ reader: StoreReader, users: UserDatabase?) throws(StoreError) {
        output = context.output
        let containers = ContainerPaths(context.rowFormat == .table ? [] : try reader.containerMounts())
        writer =
            switch context.rowFormat {
            case .table: EventTableWriter(zone: context.zone, users: users, on: context.output.terminal)
            case .json: EventJSONWriter(isArray: true, containers: containers)
            case .jsonl: EventJSONWriter(isArray: false, containers: containers)
            case .csv: EventCSVWriter(isForTerminal: context.output.isTerminal, containers: containers)
            }
        guard !context.output.isTerminal else { return }
        switch context.rowFormat {
        case .csv: makeRowWriter = { EventCSVWriter(isForTerminal: false, containers: containers) }
        case .jsonl: makeRowWriter = { EventJSONWriter(isArray: false, containers: containers) }
        case .table, .json: break
        }
    }

    mutating func begin() throws {
        try writer.begin(into: &output.bytes)
    }

    mutating func end() throws {
        try writer.end(into: &output.bytes)
        try output.flush()
    }

    /// The event that the output marks, in a form that can.
    var markedSequence: UInt64? {
        get { (writer as? any MarkingEventWriter)?.markedSequence }
        set {
            guard var marking = writer as? any MarkingEventWriter else { return }
            marking.markedSequence = newValue
            writer = marking
        }
    }

    /// Puts a gap between the events.
    mutating func write(_ gap: Gap) throws {
        try writer.write(gap, into: &output.bytes)
        try output.flushIfDue()
    }

    /// Prints all that `scan` finds, with the rows of the next block written on another thread where that can be.
    ///
    /// Returns: false when the limit ended it.
    mutating func printRows(_ scan: Scan, _ selection: Selection) throws -> Bool {
        // With a limit most of what is written ahead would be for nothing.
        guard let makeRowWriter, selection.limit == nil, !scan.looksForFewPaths else {
            return try print(scan, selection)
        }
        while let step = try scan.nextRows(makeRowWriter) {
            switch step {
            case .written(var rows):
                leaveBlock()
                count += rows.count
                try output.take(&rows.bytes)
            case .group(let view):
                do {
                    let columns = try take(view)
                    let isReversed = selection.isReversed
                    for ordinal in columns.ordinals {
                        try write(columns[isReversed ? columns.ordinals.upperBound - 1 - ordinal : ordinal])
                    }
                    if scan.hasLeftBlock { leaveBlock() }
                } catch let error as BlockError {
                    try scan.passOver(error)
                }
            }
        }
        return true
    }

    /// Prints what `scan` finds, up to the selection's limit over all scans; `willWrite` is asked before each event whether
    /// to go on.
    ///
    /// Returns: false when the limit or `willWrite` ended it.
    mutating func print(
        _ scan: Scan, _ selection: Selection,
        willWrite: (EventView, inout EventPrinter) throws -> Scan.Flow = { _, _ in .proceed }
    ) throws -> Bool {
        let limit = selection.limit ?? .max
        guard count < limit else { return false }
        var isStopped = false
        try scan.forEachGroup { view in
            let columns = try take(view)
            func pass(_ ordinal: Int) throws {
                let event = columns[ordinal]
                if try willWrite(event, &self) == .stop { isStopped = true } else { try write(event) }
            }
            if selection.isReversed {
                for ordinal in columns.ordinals.reversed() where count < limit && !isStopped { try pass(ordinal) }
            } else {
                for ordinal in columns.ordinals where count < limit && !isStopped { try pass(ordinal) }
            }
            if output.isTerminal { try output.flush() }
            if scan.hasLeftBlock { leaveBlock() }
            return count < limit && !isStopped ? .proceed : .stop
        }
        return count < limit && !isStopped
    }

    private mutating func take(_ view: RowGroupView) throws(BlockError) -> EventColumns {
        if block !== view.block { leaveBlock() }
        let columns = try EventColumns(view)
        if block == nil {
            try writer.use(view.block)
            block = view.block
        }
        return columns
    }

    /// What was decoded of a block goes before the next one is decoded.
    private mutating func leaveBlock() {
        block = nil
        writer.leaveBlock()
    }

    private mutating func write(_ event: EventView) throws {
        try writer.write(event, into: &output.bytes)
        count += 1
        try output.flushIfDue()
    }
}

extension UserDatabase {
    /// The system's users; none where /etc/passwd cannot be read.
    package static func system() -> UserDatabase {
        UserDatabase((try? Files.contents(of: RawPath("/etc/passwd"), limit: 16 << 20)) ?? [])
    }
}
