import Block
import Model
import Segment
import Store
import TestSupport

@testable import Query

/// A small store that a test fills and asks.
final class StoreScene {
    private let temporary: TemporaryDirectory
    let directory: RawPath
    private var writer: StoreWriter?
    private var nextInstance: UInt64 = 1
    /// Everything that was stored, with its numbers.
    private(set) var events: [RecordedEvent] = []

    /// Starts a run that covers `paths` from second `from` of the day of `RecordedEvent`.
    init(
        covering paths: [String] = ["/"], from second: Double = 0, operations: EventMask? = nil,
        excluding patterns: [String]? = nil
    ) throws {
        temporary = try TemporaryDirectory()
        directory = RawPath(temporary.appending("store"))
        writer = try StoreWriter(directory: directory, create: true)
        try beginRun(covering: paths, from: second, operations: operations, excluding: patterns)
    }

    func beginRun(
        covering paths: [String] = ["/"], from second: Double, operations: EventMask? = nil,
        excluding patterns: [String]? = nil
    ) throws {
        if writer == nil { writer = try StoreWriter(directory: directory, create: false) }
        let run = RunRecord(
            bootID: UUIDBytes(high: 1, low: 2), started: RecordedEvent.moment(second), startedMonotonicNanoseconds: 0,
            pid: 1, version: "test", options: "", operations: operations,
            exclusions: patterns?.map { Array($0.utf8) })
        let coverage = paths.map { path in
            Coverage(
                path: RawPath(path), filesystem: FilesystemID(rawValue: 7), filesystemType: "ext4",
                mountPoint: RawPath("/"), from: RecordedEvent.moment(second))
        }
        _ = try writer?.beginRun(run, coverage: coverage)
    }

    /// Stores one block of events.
    func append(
        _ batchEvents: [RecordedEvent], gaps: [Gap] = [], facts: [ProcessFact] = [], others: [ActorProcess] = []
    ) throws {
        guard let nextSequence = writer?.nextSequence, let run = writer?.currentRun, let origin = writer?.origin,
            let key = writer?.filterKey
        else { return }
        var batch = Batch()
        batch.append(batchEvents)
        batch.facts = facts
        batch.processes += others
        var encoder = BlockEncoder(filterKey: key)
        let block = try encoder.encode(batch, firstSequence: nextSequence, run: run, origin: origin)
        nextInstance = max(nextInstance, (batchEvents.compactMap { $0.process?.instance }.max() ?? 0) + 1)
        var additions = Additions()
        additions.gaps = gaps
        try writer?.append(block, additions: additions, nextInstance: nextInstance)
        for (offset, event) in batchEvents.enumerated() {
            var stored = event
            stored.sequence = nextSequence + UInt64(offset)
            events.append(stored)
        }
    }

    func append(gap: Gap) throws {
        var additions = Additions()
        additions.gaps = [gap]
        try writer?.append(additions)
    }

    /// One watched database, which had these paths.
    func watch(_ paths: [String]) throws {
        var additions = Additions()
        additions.capture.streams = [
            DatabaseStream(
                uuid: UUIDBytes(high: 7, low: 7), device: 1, inode: 2, birth: nil, paths: paths.map { RawPath($0) },
                pageSize: 4_096, firstSeen: RecordedEvent.moment(0))
        ]
        try writer?.append(additions)
    }

    func append(mounts: [ContainerMount]) throws {
        var change = CoverageChange()
        change.containerMounts = mounts
        try writer?.record(change)
    }

    func compact() throws {
        try writer?.compactAll()
    }

    /// Drops the blocks whose events all lie before second `second`.
    func prune(before second: Double) throws {
        _ = try writer?.prune(before: RecordedEvent.moment(second), cause: "test")
    }

    /// Ends the run cleanly at second `second` and lets go of the store.
    func stop(at second: Double) throws {
        try writer?.endRun(at: RecordedEvent.moment(second))
        writer = nil
    }

    /// Asks and gives back all that came of it.
    func ask(
        _ format: OutputFormat = .jsonl, acceptsGaps: Bool = false, onTerminal: Bool = false,
        on terminal: Terminal? = nil,
        _ question: (QueryContext) throws -> AnswerStatus
    ) throws -> Answer {
        let output = AnswerOutput(memoryAsTerminal: onTerminal || terminal != nil, terminal ?? Terminal())
        let messages = Messages(collecting: true)
        let context = QueryContext(
            storeDirectory: directory, format: format, acceptsGaps: acceptsGaps, output: output, messages: messages,
            zone: .utc)
        let status = try question(context)
        return Answer(
            status: status, text: String(decoding: output.collected, as: UTF8.self), messages: messages.collected)
    }

    struct Answer {
        var status: AnswerStatus
        var text: String
        var messages: [String]

        var lines: [Substring] { text.split(separator: "\n") }

        /// The numbers of the events, from JSON lines.
        var sequences: [UInt64] {
            lines.compactMap { JSONValue(Array($0.utf8))?["seq"]?.unsigned }
        }
    }

    /// The numbers of the events of a selection.
    func sequences(_ selection: Selection) throws -> [UInt64] {
        try ask { try EventsAnswer($0, selection).run() }.sequences
    }
}

extension Selection {
    static func only(_ change: (inout Selection) throws -> Void) rethrows -> Selection {
        var selection = Selection()
        try change(&selection)
        return selection
    }
}

extension Glob {
    static func of(_ text: String) throws -> Glob {
        try Glob(Array(text.utf8))
    }
}
