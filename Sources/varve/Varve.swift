import ArgumentParser
import Query

/// The query tool: reads a store and prints answers. What a verb does is in the library `Query`.
@main
struct Varve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "varve",
        abstract: "Ask a Varve store who did what to which file, and when.",
        discussion: """
            A store is written by varved. Times are ISO 8601 (2026-11-23T13:00:00Z, '2026-11-23 13:00'), @EPOCH, \
            relative (-10m, -1h30m), or a word (now, today, yesterday, boot); without a zone they are local.

            Exit codes: 0 found, 1 nothing found, 2 usage, 3 the answer is incomplete (the reason is on the standard \
            error output; --accept-gaps makes it 0), 4 the store cannot be read or is damaged.
            """,
        version: "0.1.0",
        subcommands: [
            EventsCommand.self, CountCommand.self, FileCommand.self, ProcessCommand.self, TopCommand.self,
            HistogramCommand.self, GapsCommand.self, AroundCommand.self, ReplayCommand.self,
            ChangesCommand.self, TreeCommand.self, DatabaseCommand.self, SQLCommand.self, ExportCommand.self,
            ReportCommand.self, ArchiveCommand.self, StatusCommand.self, SyncCommand.self, CompactCommand.self,
            PruneCommand.self, NoteCommand.self, VerifyCommand.self, DoctorCommand.self,
        ])

    static func main() {
        CommandRunner.main()
    }
}
