import ArgumentParser
import Model
import Query
import Report

struct ReportCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write a page for a browser that shows what happened.",
        discussion: """
            One HTML file that needs nothing else and asks the network for nothing: a timeline with the gaps on it, activity \
            by operation, program, process, user, directory and file, process trees, the commits of watched databases. A \
            range of time chosen on the page narrows all of it. What the report does not know is said at its top, also without \
            JavaScript. It takes at most 5 MiB, however many events there are.

            --limit is the number of rows of each table: 200, at most 500. What the others did is shown as one row.

            varve report --since today -o today.html
            varve report --under /etc --since -2d -o etc.html
            """)

    @OptionGroup var selection: SelectionOptions
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The file to make; one that exists is never overwritten. Default: the standard output.", valueName: "FILE"))
    var output: RawPath?
    @Option(help: ArgumentHelp("The store's directory.", valueName: "DIR"))
    var store: RawPath?
    @Flag(help: "Exit with 0 although the report may be incomplete.")
    var acceptGaps = false

    func answer() throws -> AnswerStatus {
        let context = try QueryContext(store: store, format: nil, acceptsGaps: acceptGaps)
        return try ReportAnswer(
            context, selection.selection(), target: output.map { SelectionArguments().absolute($0) }
        ).run()
    }
}
