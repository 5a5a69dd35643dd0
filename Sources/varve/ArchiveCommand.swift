import ArgumentParser
import Model
import Query

struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "The store as it was at any moment, from the archive that 'varved --archive DIR' keeps.",
        subcommands: [ArchiveRestoreCommand.self, ArchiveVerifyCommand.self])
}

struct ArchiveRestoreCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Write the store as it was to a new directory.",
        discussion: """
            A commit counts at TIME when it was surely visible by then; if another may have been visible already, it is \
            named and the exit code is 3. Where nothing was archived around TIME, nothing is written, both bounds are named \
            and the exit code is 3. Nothing that exists is overwritten.

            varve archive restore /backup/varve --at '2026-11-23 13:00' -o store-then
            """)

    @Argument(help: ArgumentHelp("The archive's directory.", valueName: "DIR"))
    var archive: RawPath
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("As it was at TIME; the last there is without it.", valueName: "TIME"))
    var at: String?
    @Option(name: [.short, .long], help: ArgumentHelp("The directory to make.", valueName: "STORE"))
    var output: RawPath
    @Flag(help: "Exit with 0 although the answer may be incomplete.")
    var acceptGaps = false

    func answer() throws -> AnswerStatus {
        let target = SelectionArguments().absolute(output)
        let context = try QueryContext(store: target, format: nil, acceptsGaps: acceptGaps)
        return try ArchiveRestoreAnswer(context, archive: archive, at: at, target: target).run()
    }
}

struct ArchiveVerifyCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every file of an archive, and list what it has.",
        discussion: """
            Exit codes: 0 whole, 3 times are missing between its generations, 4 damaged.

            varve archive verify /backup/varve
            """)

    @Argument(help: ArgumentHelp("The archive's directory.", valueName: "DIR"))
    var archive: RawPath
    @Option(name: [.short, .long], help: "table, json, jsonl (one object a line) or csv.")
    var output: OutputFormat?
    @Flag(help: "Exit with 0 although times are missing.")
    var acceptGaps = false

    func answer() throws -> AnswerStatus {
        let context = try QueryContext(store: archive, format: output, acceptsGaps: acceptGaps)
        return try ArchiveVerifyAnswer(context, archive: archive).run()
    }
}
