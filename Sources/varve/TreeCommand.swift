import ArgumentParser
import Model
import Query

struct TreeCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree", abstract: "Print which names a directory had at a moment, as far as the record knows.",
        discussion: """
            A name is known where an event before the moment told of it and none of its end, and inferred where a later \
            event needs it to have been there. It is not certain where a gap lies between the moment and that event. Names \
            that no event ever told of are not in the record, and not listed.

            varve tree --under /srv/www --at '2026-11-23 13:00'
            """)

    @Option(parsing: .unconditionalSingleValue, help: ArgumentHelp("The directory.", valueName: "DIR"))
    var under: [RawPath]
    @Option(parsing: .unconditional, help: ArgumentHelp("The moment; now unless it is given.", valueName: "TIME"))
    var at: String?
    @Option(help: ArgumentHelp("Only so many levels.", valueName: "COUNT"))
    var depth: Int?
    @Flag(help: "Also names that were gone by then.")
    var gone = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let arguments = SelectionArguments()
        let moment = try at.map { try TimeExpression.parse($0, context: .current()) }
        return try TreeAnswer(
            options.context(), under: under.map { arguments.absolute($0) }, at: moment, depth: depth,
            showsGone: gone
        ).run()
    }
}
