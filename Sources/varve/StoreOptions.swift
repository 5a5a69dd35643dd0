import ArgumentParser
import Model
import Query

extension OutputFormat: ExpressibleByArgument {}

/// Which store, in which form the answer comes.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The store's directory.",
            discussion:
                "Default: $STATE_DIRECTORY, /var/lib/varve for root, else $XDG_STATE_HOME/varve or ~/.local/state/varve.",
            valueName: "DIR"))
    var store: RawPath?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "table, json, jsonl (one object a line) or csv. Default for rows: table on a terminal, else jsonl.",
            discussion: "On a terminal tables have colours unless NO_COLOR is set, and bars fit its width or COLUMNS."))
    var output: OutputFormat?

    @Flag(help: "Exit with 0 although the answer may be incomplete.")
    var acceptGaps = false

    /// Throws: `UsageError` where no store is named and none can be guessed.
    func context() throws -> QueryContext {
        try QueryContext(store: store, format: output, acceptsGaps: acceptGaps)
    }
}
