import ArgumentParser
import Model
import Query

struct FileCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: "Tell the life of a file: births, names, writers and deaths, through its renames.",
        discussion: """
            Follows the files that had the name PATH by their identity, whatever else they were called; a name that \
            several files had one after the other has as many lives. A file dies with its last known name; hard links \
            with other names are found with --links.

            varve file /etc/passwd --since -30d
            """)

    @Argument(help: ArgumentHelp("A name that the file has or had.", valueName: "PATH"))
    var path: RawPath
    @OptionGroup var range: RangeOptions
    @Flag(help: "Look through everything that was made in the range for hard links to the same files.")
    var links = false
    @Option(help: ArgumentHelp("At most this many lines.", valueName: "COUNT"))
    var limit: Int?
    @Flag(help: "Last first.")
    var reverse = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let selection = SelectionArguments(
            since: range.since, until: range.until, limit: limit, isReversed: reverse)
        return try FileAnswer(
            options.context(), selection.selection(), path: selection.absolute(path), searchesLinks: links
        ).run()
    }
}
