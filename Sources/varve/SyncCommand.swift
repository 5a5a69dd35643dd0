import ArgumentParser
import Query

struct SyncCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Wait until everything that happened up to now is in the store.",
        discussion: """
            varve sync && varve events --since -10m --limit 5
            """)

    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try UpkeepAnswer(options.context(), .sync).run()
    }
}
