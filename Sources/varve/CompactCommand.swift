import ArgumentParser
import Query

struct CompactCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact", abstract: "Merge all blocks and give free space back.",
        discussion: """
            varve compact
            """)

    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try UpkeepAnswer(options.context(), .compact).run()
    }
}
