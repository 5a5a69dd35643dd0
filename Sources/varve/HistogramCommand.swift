import ArgumentParser
import Model
import Query

struct HistogramCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "histogram", abstract: "Print how many matching events each stretch of time has.",
        discussion: """
            varve histogram --every 1m --by exe --since -1h
            varve histogram --every 1d --op create

            With --by, a terminal shows a line a group with a sparkline; elsewhere, and in other forms, there is a row for \
            each stretch and group.
            """)

    @Option(help: ArgumentHelp("The length of a stretch, such as 10s, 1m, 1h, 1d.", valueName: "SPAN"))
    var every = "1m"
    @Option(
        help:
            "Also by path, dir, exe, process, user, unit, container, op or database; --limit says how many of them (10)."
    )
    var by: Grouping?
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try HistogramAnswer(options.context(), selection.selection(), every: TimeSpan.parse(every), by: by).run()
    }
}
