import ArgumentParser
import Query

struct StatusCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Print what the store holds and what the live recorder does.",
        discussion: """
            varve status -o json
            """)

    @Flag(help: "Also how many bytes each part of the blocks and each table takes.")
    var sizes = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try StatusAnswer(options.context(), showsSizes: sizes).run()
    }
}
