import ArgumentParser
import Query

struct ProcessCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "process",
        abstract: "Print who a process was: ancestry, programs, end, and the files it touched.",
        discussion: """
            A number may have been given out several times: each process that had it is printed, or with @TIME the one \
            that had it then. --since, --until, --path, --under and --op narrow what it did; --limit says how many files \
            are shown (20 in a table).

            varve process 1
            varve process 4711@-10m --under /etc
            """)

    @Argument(help: ArgumentHelp("The process.", valueName: "PID[@TIME]"))
    var process: String
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try ProcessAnswer(options.context(), ProcessArgument.parse(process), selection.selection()).run()
    }
}
