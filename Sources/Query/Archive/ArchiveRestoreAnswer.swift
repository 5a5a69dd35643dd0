private import Glibc
package import Model
internal import Segment
internal import Store
internal import Syscalls

/// `varve archive restore`: the store as it was, in a directory of its own.
package struct ArchiveRestoreAnswer {
    private let context: QueryContext
    private let archive: RawPath
    private let moment: Instant?
    private let target: RawPath

    /// Parameters: `at` as the command line has it, nil for the last moment there is; `target`, the context's store, an
    /// absolute path at which there is nothing. Throws: `TimeError`.
    package init(_ context: QueryContext, archive: RawPath, at: String?, target: RawPath) throws {
        self.context = context
        self.archive = archive
        self.target = target
        moment = try at.map { try TimeExpression.parse($0, context: .current()) }
    }

    /// Writes the store and says of which moment it is. Every commit's state hash is checked on the way.
    ///
    /// Throws: `UsageError`, `StoreError`, `SegmentError`, `SyscallError`, `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        guard (try? target.status(followingLinks: false)) == nil else { throw StoreDraft.exists(target) }
        let reader = try ArchiveReader(directory: archive)
        for damage in reader.damages { context.messages.say("damaged: \(damage.text)") }
        switch try reader.state(at: moment) {
        case .between(let before, let after, let cause):
            context.messages.say("incomplete: \(refusal(before, after, cause))")
            return .incomplete
        case .state(let state, let uncertain):
            let missing = try restore(state)
            for path in missing {
                context.messages.say(
                    "incomplete: a file of a watched database is not in the archive: \(path.escapedText)")
            }
            if let uncertain {
                context.messages.say(
                    "incomplete: another commit became visible between \(TimestampWriter.text(uncertain.low)) and "
                        + "\(TimestampWriter.text(uncertain.high)), so it may have been there already")
            }
            guard missing.isEmpty && uncertain == nil || context.acceptsGaps else { return .incomplete }
            return .found
        }
    }

    /// Both bounds of what can be had; nothing is guessed.
    private func refusal(_ before: Instant?, _ after: Instant?, _ cause: String?) -> String {
        let asked = moment.map { TimestampWriter.text($0) } ?? "the end"
        switch (before, after) {
        case (let before?, let after?):
            return
                "\(asked) lies between \(TimestampWriter.text(before)) and \(TimestampWriter.text(after)), and the archive "
                + "has nothing between them" + (cause.map { ": \(TerminalText.escaped(Array($0.utf8)))" } ?? "")
        case (let before?, nil):
            return
                "\(asked) is after the end of the archive, \(TimestampWriter.text(before)); without --at that is restored"
        case (nil, let after?):
            return "\(asked) is before the beginning of the archive, \(TimestampWriter.text(after))"
        case (nil, nil):
            return "the archive holds no state of the store"
        }
    }

    /// Returns: the files of watched databases that the store's rows name and the archive has not.
    private func restore(_ state: ArchivedState) throws -> [RawPath] {
        let generation = state.generation
        guard let segments = generation.way(to: state.commit) else {
            throw SegmentError(.incomplete, "no segments lead to commit \(state.commit)")
        }
        let draft = try StoreDraft(target)
        let file = try DatabaseFile(target: draft.layout.database)
        let way = DatabaseWay(base: generation.base, steps: segments.map { .segment($0) })
        try file.restore(generation.files, way, to: state.commit)
        try file.place()
        try Files.setPermissions(draft.layout.database, mode: StoreLayout.filePermissions)
        let (fileCount, missing) = try copyFiles(generation.files, into: draft.layout.directory)
        let byteCount = try draft.layout.database.status().byteCount
        try draft.place()
        var text = "restored the store as of \(TimestampWriter.text(state.high)) to "
        text += "\(TerminalText.escaped(target.bytes)): \(byteCount) bytes, state hash verified"
        if fileCount > 0 { text += ", \(fileCount) files of watched databases" }
        context.output.bytes.append(string: text + "\n")
        try context.output.flush()
        return missing
    }

    private func copyFiles(
        _ source: SegmentFiles, into store: RawPath
    ) throws(StoreError) -> (fileCount: Int, missing: [RawPath]) {
        let reader = try StoreReader(directory: store)
        let files = SegmentFiles(store: store)
        var fileCount = 0
        var missing: [RawPath] = []
        for stream in try reader.streams() {
            for row in try reader.segments(of: stream.uuid) {
                if try files.take(row, from: source) { fileCount += 1 } else { missing.append(source.path(of: row)) }
            }
            for row in try reader.baseImages(of: stream.uuid) {
                if try files.take(row, from: source) { fileCount += 1 } else { missing.append(source.path(of: row)) }
            }
        }
        return (fileCount, missing)
    }
}

extension ArchiveDamage {
    var text: String { "\(TerminalText.escaped(path.bytes)): \(TerminalText.escaped(Array(problem.utf8)))" }
}

/// A store that is being restored: a directory beside the one that is asked for, which it becomes when it is whole.
///
/// When its life ends before that, it is removed. Thread: one.
struct StoreDraft: ~Copyable {
    let layout: StoreLayout
    private let target: RawPath

    /// Throws: `SyscallError`.
    init(_ target: RawPath) throws(SyscallError) {
        let directory = DraftName.claim(target)
        try Files.makeDirectory(directory, mode: StoreLayout.directoryPermissions)
        // The umask must not keep a group of readers out; where this fails, they only are.
        try? Files.setPermissions(directory, mode: StoreLayout.directoryPermissions)
        layout = StoreLayout(directory: directory)
        self.target = target
    }

    deinit {
        // After `place` there is nothing of that name.
        try? Files.removeTree(layout.directory)
    }

    static func exists(_ target: RawPath) -> UsageError {
        UsageError("\(TerminalText.escaped(target.bytes)) exists; nothing is overwritten")
    }

    /// Gives it its name, unless something has that name by now. Throws: `UsageError`, `SyscallError`.
    borrowing func place() throws {
        try OwnedDescriptor.open(layout.directory, flags: O_RDONLY | O_DIRECTORY).sync()
        guard (try? target.status(followingLinks: false)) == nil else { throw Self.exists(target) }
        // rename(2) replaces an empty directory at most.
        try Files.rename(layout.directory, to: target)
        if let parent = target.parent { try OwnedDescriptor.open(parent, flags: O_RDONLY | O_DIRECTORY).sync() }
    }
}
