internal import Block
private import Glibc
package import Model
internal import Store
internal import Syscalls

/// `varve export`: events and gaps in a form for another program.
package struct ExportAnswer {
    private let context: QueryContext
    private let selection: Selection
    private let format: ExportFormat
    private let target: RawPath?
    private let cursorFile: RawPath?

    /// Parameters: `target` is the file to make, nil the standard output; `cursorFile` says where the last export ended
    /// and is replaced when this one is whole.
    ///
    /// Throws: `UsageError` where the wishes exclude each other.
    package init(
        _ context: QueryContext, _ selection: Selection, format: ExportFormat, target: RawPath?, cursorFile: RawPath?
    ) throws(UsageError) {
        guard target != nil || !format.needsFile else {
            throw UsageError("--format \(format.rawValue) writes a file: give -o FILE")
        }
        if cursorFile != nil {
            // A cursor is one number: what such an export leaves out could not be told from what it has given.
            guard selection.until == nil, !selection.isReversed, !selection.includesOverlapping else {
                throw UsageError(
                    "--cursor-file goes on to the newest event: without --until, --reverse and --overlapping")
            }
        }
        self.context = context
        self.selection = selection
        self.format = format
        self.target = target
        self.cursorFile = cursorFile
    }

    /// Writes the export, then the cursor.
    ///
    /// Throws: `UsageError`, `StoreError`, `SyscallError`, `AnswerOutput.Failure`; then the cursor is left as it was and
    /// no file was made.
    package func run() throws -> AnswerStatus {
        let question = try Question(context, selection)
        let store = question.reader.origin.store
        let started = try cursor(of: store)
        var run = ExportRun(question, selection, after: started)
        if let target {
            let file = try NewFile(target: target)
            let output = AnswerOutput(to: try file.descriptor.duplicate())
            try run.write(try writer(question, output, file: file.path), to: output)
            try file.place()
        } else {
            try run.write(try writer(question, context.output, file: nil), to: context.output)
        }
        if let cursorFile {
            let cursor = run.cursor(from: started ?? ExportCursor(store: store, format: format, selection: selection))
            try NewFile.replace(cursorFile, with: cursor.bytes)
        }
        return run.conclude()
    }

    private func writer(_ question: Question, _ output: AnswerOutput, file: RawPath?) throws -> any EventWriter {
        let containers = ContainerPaths(try question.reader.containerMounts())
        let origin = question.reader.origin
        switch format {
        case .jsonl: return EventJSONWriter(isArray: false, containers: containers)
        case .csv: return EventCSVWriter(isForTerminal: output.isTerminal, containers: containers, includesGaps: true)
        case .bodyfile: return BodyfileWriter(messages: context.messages)
        case .timesketch: return TimesketchWriter(containers: containers)
        case .ocsf: return OCSFWriter(containers: containers, origin: origin)
        case .sqlite:
            guard let file else { preconditionFailure("the form needs a file") }
            return try DatabaseEventWriter(
                file, containers: containers, covered: question.covers, facts: facts(origin))
        case .parquet: return try ParquetEventWriter(containers: containers, metadata: facts(origin))
        }
    }

    /// What an export says of itself.
    private func facts(_ origin: BlockOrigin) -> [(key: String, value: String)] {
        [
            ("varve.export", "1"), ("varve.store", origin.store.hexadecimalText),
            ("varve.host", origin.hostName.lossyText), ("varve.machine_id", origin.machineID.hexadecimalText),
            ("varve.selection", selection.wishText),
            ("varve.since", selection.since.map { TimestampWriter.text($0) } ?? ""),
            ("varve.until", selection.until.map { TimestampWriter.text($0) } ?? ""),
        ]
    }

    /// Where the last export ended; nil where there was none.
    private func cursor(of store: UUIDBytes) throws -> ExportCursor? {
        guard let cursorFile else { return nil }
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try Files.contents(of: cursorFile, limit: ExportCursor.maximumByteCount)
        } catch {
            guard error.errno == ENOENT else { throw error }
            return nil
        }
        guard let cursor = ExportCursor(bytes) else {
            throw UsageError("\(TerminalText.escaped(cursorFile.bytes)) is no cursor of varve export")
        }
        try cursor.check(ExportCursor(store: store, format: format, selection: selection), path: cursorFile)
        return cursor
    }
}
