import ArgumentParser
import Query

struct PruneCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove the oldest events, with the notes among them; a gap says what was removed.",
        discussion: """
            Whole blocks are removed, so some older events may stay.

            varve prune --max-age 90d
            varve prune --before 2026-01-01
            """)

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Blocks whose events all lie before TIME.", valueName: "TIME"))
    var before: String?
    @Option(
        help: ArgumentHelp("The oldest until the directory takes no more (no recorder may run).", valueName: "SIZE"))
    var maxSize: String?
    @Option(help: ArgumentHelp("Blocks whose events are all older than SPAN.", valueName: "SPAN"))
    var maxAge: String?
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let task = try UpkeepAnswer.Task(prunedBefore: before, maxSize: maxSize, maxAge: maxAge)
        return try UpkeepAnswer(options.context(), task).run()
    }
}
