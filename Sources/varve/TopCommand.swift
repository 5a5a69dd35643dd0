import ArgumentParser
import Query

extension Grouping: ExpressibleByArgument {}

struct TopCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Print what has the most matching events (10 rows unless --limit says otherwise)."
    )

    @Option(help: "path, dir, exe, process, user, unit, container or op.")
    var by: Grouping = .path
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try TopAnswer(options.context(), selection.selection(), by: by).run()
    }
}
