import ArgumentParser
import Model
import Query

struct ReplayCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Play back the events that match, at the pace at which they happened.",
        discussion: """
            On a terminal: space pauses and goes on, n or Enter shows the next event and pauses, + and - double and halve \
            the speed, q ends. Elsewhere events just come in time. Events of one reading of the queue have one time and \
            come together.

            varve replay --since 13:00 --until 13:05 --under /srv --speed 10 --max-pause 2s
            """)

    @Option(
        help: ArgumentHelp(
            "So many seconds of the record in a second; 0.5 is half as fast as it happened.", valueName: "FACTOR"))
    var speed = 1.0
    @Flag(help: "Begin paused: each event waits for n or Enter.")
    var step = false
    @Option(help: ArgumentHelp("Shorten every pause to this, such as 2s or 500ms.", valueName: "SPAN"))
    var maxPause: String?
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let pace = try ReplayPace(speed: speed, maximumPause: maxPause.map { try TimeSpan.parse($0) }, steps: step)
        let context = try options.context()
        // What is wrong with the question is said before the terminal is changed.
        let selection = try selection.selection()
        var replay = try ReplayAnswer(context, selection, pace: pace, waiting: TerminalWaiting(context.output))
        return try replay.run()
    }
}
