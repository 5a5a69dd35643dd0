private import Glibc
package import Model
internal import Store
internal import Syscalls

/// `varve sync`, `compact`, `prune`, `note`: asked of the live recorder, or done under the store's lock where none runs.
package struct UpkeepAnswer {
    package enum Task: Sendable {
        /// Everything that happened before is read, committed and on the device.
        case sync
        /// Merges all blocks and gives free pages back.
        case compact
        /// Removes whole blocks whose events all lie before the moment.
        case prune(before: Instant)
        /// Removes the oldest blocks until the directory takes no more. Only without a live recorder, which has its
        /// own limits.
        case enforce(maxByteCount: UInt64)
        /// A remark on the timeline.
        case note(String)
    }

    /// The recorder did not do what it was asked.
    package struct Refusal: Error, CustomStringConvertible {
        package var description: String
    }

    private let context: QueryContext
    private let task: Task

    package init(_ context: QueryContext, _ task: Task) {
        self.context = context
        self.task = task
    }

    /// Throws: `StoreError`, `Refusal`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let answer: ControlAnswer
        do throws(ControlError) {
            answer = try ask()
        } catch .noRecorder {
            try doIt()
            return .found
        } catch {
            throw Refusal(description: error.text)
        }
        guard answer.isOK else { throw Refusal(description: answer.error) }
        try report(answer)
        return .found
    }

    private func ask() throws(ControlError) -> ControlAnswer {
        let client = ControlClient(context.storeDirectory)
        switch task {
        case .sync: return try client.ask("sync", "databases")
        case .compact: return try client.ask("compact")
        case .prune(let before): return try client.ask("prune", "\(before.nanosecondsSinceEpoch)")
        case .note(let text): return try client.ask("note", text)
        case .enforce:
            _ = try client.ask("status")
            return ControlAnswer(
                line: [],
                value: .object([
                    ("ok", .boolean(false)),
                    (
                        "error",
                        .string("a recorder runs and has limits of its own: start it with --max-size")
                    ),
                ]))
        }
    }

    private func report(_ answer: ControlAnswer) throws {
        switch context.textFormat {
        case .json, .jsonl: context.output.bytes += answer.line + [UInt8(ascii: "\n")]
        case .table, .csv:
            var text = done
            if let sequence = answer.value["seq"]?.unsigned { text += " up to event \(sequence)" }
            if let count = answer.value["events"]?.unsigned { text += ": \(count) events" }
            context.output.bytes.append(string: text + "\n")
        }
        try context.output.flush()
    }

    private var done: String {
        switch task {
        case .sync: "synced"
        case .compact: "compacted"
        case .prune, .enforce: "pruned"
        case .note: "noted"
        }
    }

    /// The same without a recorder.
    private func doIt() throws {
        var writer = try StoreWriter(directory: context.storeDirectory, create: false)
        var json = JSONWriter()
        var text = done
        json.beginObject()
        json.key("ok")
        json.boolean(true)
        func tell(_ name: StaticString, _ value: UInt64) {
            json.key(name)
            json.integer(value)
        }
        switch task {
        case .sync:
            try writer.sync()
            let last = writer.nextSequence - 1
            tell("seq", last)
            text += " up to event \(last); no recorder runs on this store"
        case .compact:
            let before = writer.directoryByteCount()
            try writer.compactAll()
            let after = writer.directoryByteCount()
            tell("bytes_before", before)
            tell("bytes_after", after)
            text += ": \(ByteSize.text(Int64(clamping: before))) to \(ByteSize.text(Int64(clamping: after)))"
        case .prune(let before):
            let outcome = try writer.prune(before: before, cause: "varve prune")
            tell("events", outcome.eventCount)
            text += ": \(outcome.eventCount) events"
        case .enforce(let maximum):
            let outcome = try writer.enforce(RetentionLimits(maxByteCount: maximum), now: Clock.realtime())
            tell("events", outcome.eventCount)
            text += ": \(outcome.eventCount) events"
        case .note(let remark):
            var additions = Additions()
            additions.notes = [Note(moment: Clock.realtime(), uid: geteuid(), text: remark)]
            try writer.append(additions)
        }
        writer.close()
        json.endObject()
        json.endLine()
        switch context.textFormat {
        case .json, .jsonl: context.output.bytes += json.bytes
        case .table, .csv: context.output.bytes.append(string: text + "\n")
        }
        try context.output.flush()
    }
}
