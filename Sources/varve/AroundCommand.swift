import ArgumentParser
import Model
import Query

struct AroundCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "around", abstract: "Print what happened before and after a moment or an event.",
        discussion: """
            Ten matching events on either side, unless --before, --after, --context or --span say otherwise. The event \
            itself is marked, and shown also where the selection leaves it out; gaps stand between the events (not in csv).

            varve around 4711 --under /srv --context 5
            varve around '2026-11-23 13:00' --span 2s
            """)

    @Argument(help: ArgumentHelp("A time, or the number of an event (seq).", valueName: "TIME|SEQ"))
    var point: String
    @Option(name: [.customShort("B"), .long], help: ArgumentHelp("Events before it.", valueName: "COUNT"))
    var before: Int?
    @Option(name: [.customShort("A"), .long], help: ArgumentHelp("Events after it.", valueName: "COUNT"))
    var after: Int?
    @Option(name: [.customShort("C"), .long], help: ArgumentHelp("Events on either side.", valueName: "COUNT"))
    var context: Int?
    @Option(
        help: ArgumentHelp("Only what lies this long before or after it, such as 500ms, 10s, 5m.", valueName: "SPAN"))
    var span: String?
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let extent = try AroundAnswer.Extent(
            before: before, after: after, context: context, span: span.map { try TimeSpan.parse($0) })
        return try AroundAnswer(
            options.context(), selection.selection(), point: .parse(point), extent: extent
        ).run()
    }
}
