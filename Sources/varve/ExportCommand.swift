import ArgumentParser
import Model
import Query

extension ExportFormat: ExpressibleByArgument {}

struct ExportCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write events and gaps in a form for another program.",
        discussion: """
            jsonl and csv are for everything, bodyfile for mactime, timesketch for Timesketch (JSON lines), ocsf for whatever \
            reads OCSF 1.8 (class 1001), sqlite is an ordinary database with tables and indices, parquet for DuckDB, Spark, \
            pandas and ClickHouse. What each form does with gaps and with names that are no text is in docs/export.md.

            With --cursor-file the first export ends with the newest event, and each further one gives what came after the \
            last. The file is replaced when the export is whole, so what follows a failure gives everything again: at \
            least once, told apart by seq. --since counts for the first export only.

            varve export --format csv --since today -o today.csv
            varve export --format bodyfile --under /srv > srv.body
            varve export --format timesketch --since -7d --exe '**/python3*' -o week.jsonl
            varve export --format jsonl --cursor-file sent.cursor >> sent.jsonl
            varve export --format sqlite --under /etc -o etc.sqlite
            varve export --format parquet -o events.parquet
            """)

    @Option(
        help: ArgumentHelp("jsonl, csv, bodyfile, timesketch, ocsf, sqlite or parquet.", valueName: "FORM"))
    var format: ExportFormat
    @OptionGroup var selection: SelectionOptions
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The file to make; one that exists is never overwritten. Default: the standard output.", valueName: "FILE"))
    var output: RawPath?
    @Option(help: ArgumentHelp("Go on where the last export with this file ended.", valueName: "FILE"))
    var cursorFile: RawPath?
    @Option(help: ArgumentHelp("The store's directory.", valueName: "DIR"))
    var store: RawPath?
    @Flag(help: "Exit with 0 although the export may be incomplete.")
    var acceptGaps = false

    func answer() throws -> AnswerStatus {
        let context = try QueryContext(store: store, format: nil, acceptsGaps: acceptGaps)
        let paths = SelectionArguments()
        return try ExportAnswer(
            context, selection.selection(), format: format, target: output.map { paths.absolute($0) },
            cursorFile: cursorFile.map { paths.absolute($0) }
        ).run()
    }
}
