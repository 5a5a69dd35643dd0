import ArgumentParser
import Model
import Query

struct NoteCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "note", abstract: "Put a remark on the timeline; without a text, print the remarks.",
        discussion: """
            varve note 'deployed version 7'
            varve note
            """)

    @Argument(help: ArgumentHelp("The remark.", valueName: "TEXT"))
    var text: [RawPath] = []
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let context = try options.context()
        guard !text.isEmpty else { return try NotesAnswer(context).run() }
        return try UpkeepAnswer(context, .note(text.map(\.lossyText).joined(separator: " "))).run()
    }
}
