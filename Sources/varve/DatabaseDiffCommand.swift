import ArgumentParser
import Model
import Query

struct DatabaseDiffCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show the rows that changed between two states of a database, and who changed them.",
        discussion: """
            Rows are shown commit by commit, each with the processes that wrote it (several: one of them did, with | \
            between in a table). A and B are times or numbers of commits: what is after A, up to and with B. Where \
            commits are missing, their changes are shown together without a commit, and the exit code is 3.

            varve db diff /srv/app.db --from 11 --to 12
            varve db diff /srv/app.db --from '2026-11-23 13:00' --to now --table users
            """)

    @Argument(help: ArgumentHelp("A path or the beginning of a uuid.", valueName: "DB"))
    var database: RawPath
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The first state: a time, or a commit's number (0: as first seen).", valueName: "A"))
    var from: String
    @Option(parsing: .unconditional, help: ArgumentHelp("The last state, in the same way.", valueName: "B"))
    var to: String
    @Option(help: ArgumentHelp("Only the rows of this table.", valueName: "NAME"))
    var table: RawPath?
    @Flag(help: "Also SQLite's own tables and those in which virtual tables keep their content.")
    var all = false
    @Flag(help: "Only how the two states differ: without what came and went between them, and without who did it.")
    var net = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try DatabaseDiffAnswer(
            options.context(), database: database,
            absolute: SelectionArguments().absolute(database), from: DatabasePoint(from),
            to: DatabasePoint(to), table: table?.lossyText, includesHidden: all, isNet: net
        ).run()
    }
}
