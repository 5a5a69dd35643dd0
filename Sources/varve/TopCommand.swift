import ArgumentParser
import Query

extension Grouping: ExpressibleByArgument {}

struct TopCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Print what has the most matching events (10 rows unless --limit says otherwise).",
        discussion: """
            varve top --by dir --op modify --since today
            varve top --by exe --under /srv --limit 5
            """)

    @Option(help: "path, dir, exe, process, user, unit, container, op or database.")
    var by: Grouping = .path
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try TopAnswer(options.context(), selection.selection(), by: by).run()
    }
}
