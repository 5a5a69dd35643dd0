import ArgumentParser
import Query

struct EventsCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print the events that match, in the order they were recorded.",
        discussion: """
            varve events --since -10m --path '*.conf'
            varve events --under /srv --op create,delete --user root -o jsonl
            varve events --exe '**/python3*' --limit 20
            """)

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    @Flag(
        name: [.customShort("f"), .long],
        help: "Go on with the events that are recorded from now on (with --since also those before).")
    var follow = false

    func answer() throws -> AnswerStatus {
        let context = try options.context()
        let selection = try selection.selection()
        return follow ? try Follower(context, selection).run() : try EventsAnswer(context, selection).run()
    }
}
