import ArgumentParser
import Model
import Query

struct ChangesCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes", abstract: "Print what a range of time did to each path, all in all.",
        discussion: """
            created, modified, replaced (another file has the name), renamed (with the name before), attributes, deleted; \
            and, with --transient, what was made and gone again within the range. Files are followed through their renames \
            and those of the directories above them. --path chooses by the name at the end or at the start; with --pid, \
            --user and the like the changes are those that these processes' events alone come to.

            varve changes --under /etc --since yesterday
            varve changes --under /srv/www --since -1h --what deleted -o jsonl
            """)

    @Option(
        help: ArgumentHelp(
            "Only these changes: created, modified, replaced, renamed, attributes, deleted, transient.",
            valueName: "LIST"))
    var what: [String] = []
    @Flag(help: "Also what was made and gone again within the range.")
    var transient = false
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let arguments = SelectionArguments()
        return try ChangesAnswer(
            options.context(), selection.selection(), under: selection.under.map { arguments.absolute($0) },
            kinds: what.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) },
            showsTransient: transient
        ).run()
    }
}
