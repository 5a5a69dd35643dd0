import ArgumentParser
import Query

struct CountCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Print how many events match.",
        discussion: """
            varve count --op delete --since yesterday
            varve count --under /home --user 1000
            """)

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try CountAnswer(options.context(), selection.selection()).run()
    }
}
