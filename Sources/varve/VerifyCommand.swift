import ArgumentParser
import Query

struct VerifyCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that every block decodes and is what the store says it is.",
        discussion: """
            varve verify
            """)

    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try VerifyAnswer(options.context()).run()
    }
}
