import ArgumentParser
import Model
import Query

struct GapsCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "gaps", abstract: "Print what is known to be missing from the record.",
        discussion: """
            varve gaps --since -7d
            """)

    @OptionGroup var range: RangeOptions
    @Option(parsing: .unconditionalSingleValue, help: ArgumentHelp("Only what concerns DIR.", valueName: "DIR"))
    var under: [RawPath] = []
    @Option(help: ArgumentHelp("At most this many.", valueName: "COUNT"))
    var limit: Int?
    @Flag(help: "Last first.")
    var reverse = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let selection = try SelectionArguments(
            since: range.since, until: range.until, directories: under, limit: limit,
            isReversed: reverse
        ).selection()
        return try GapsAnswer(options.context(), selection).run()
    }
}
