import ArgumentParser
import Model
import Query

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Watched databases: their commits, the database as it was, the rows that changed.",
        discussion: """
            DB is a path that the database was known by, or the beginning of its uuid (four digits or more). Databases are \
            watched by 'varved --capture-wal GLOB'.
            """,
        subcommands: [
            DatabaseListCommand.self, DatabaseCommitsCommand.self, DatabaseRestoreCommand.self,
            DatabaseDiffCommand.self, DatabaseExportCommand.self,
        ])
}

struct DatabaseListCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the watched databases.",
        discussion: """
            varve db list
            """)

    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        try DatabaseListAnswer(options.context()).run()
    }
}

struct DatabaseCommitsCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "commits", abstract: "List the commits of a database with the processes that wrote them.",
        discussion: """
            varve db commits /srv/app.db --since -1h
            varve db commits /srv/app.db --reverse --limit 5
            """)

    @Argument(help: ArgumentHelp("A path or the beginning of a uuid.", valueName: "DB"))
    var database: RawPath
    @OptionGroup var range: RangeOptions
    @Option(help: ArgumentHelp("At most this many.", valueName: "COUNT"))
    var limit: Int?
    @Flag(help: "Last first.")
    var reverse = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let selection = SelectionArguments(
            since: range.since, until: range.until, limit: limit, isReversed: reverse)
        return try DatabaseCommitsAnswer(
            options.context(), selection.selection(), database: database,
            absolute: selection.absolute(database)
        ).run()
    }
}

struct DatabaseRestoreCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Write the database as it was to a new file.",
        discussion: """
            A commit counts at TIME when it was surely visible by then. If another may have been visible already, it is \
            named and the exit code is 3; if commits around TIME are missing, nothing is written and the exit code is 3. \
            A file that exists is never overwritten.

            varve db restore /srv/app.db --at '2026-11-23 13:00' -o then.db
            varve db restore /srv/app.db --commit 12 -o commit-12.db
            """)

    @Argument(help: ArgumentHelp("A path or the beginning of a uuid.", valueName: "DB"))
    var database: RawPath
    @Option(parsing: .unconditional, help: ArgumentHelp("As it was at TIME.", valueName: "TIME"))
    var at: String?
    @Option(help: ArgumentHelp("As it was after this commit; 0: as first seen.", valueName: "NUMBER"))
    var commit: String?
    @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "FILE"))
    var output: RawPath
    @Option(help: ArgumentHelp("The store's directory.", valueName: "DIR"))
    var store: RawPath?
    @Flag(help: "Exit with 0 although the answer may be incomplete.")
    var acceptGaps = false

    func answer() throws -> AnswerStatus {
        let context = try QueryContext(store: store, format: nil, acceptsGaps: acceptGaps)
        let paths = SelectionArguments()
        return try DatabaseRestoreAnswer(
            context, database: database, absolute: paths.absolute(database),
            point: DatabasePoint(at: at, commit: commit), target: paths.absolute(output)
        ).run()
    }
}

struct DatabaseExportCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the database as it was as SQL text.",
        discussion: """
            TIME and the exit codes are those of 'varve db restore'.

            varve db export /srv/app.db --commit 12 | sqlite3 copy.db
            """)

    @Argument(help: ArgumentHelp("A path or the beginning of a uuid.", valueName: "DB"))
    var database: RawPath
    @Option(parsing: .unconditional, help: ArgumentHelp("As it was at TIME.", valueName: "TIME"))
    var at: String?
    @Option(help: ArgumentHelp("As it was after this commit; 0: as first seen.", valueName: "NUMBER"))
    var commit: String?
    @Option(help: ArgumentHelp("The store's directory.", valueName: "DIR"))
    var store: RawPath?
    @Flag(help: "Exit with 0 although the answer may be incomplete.")
    var acceptGaps = false

    func answer() throws -> AnswerStatus {
        let context = try QueryContext(store: store, format: nil, acceptsGaps: acceptGaps)
        return try DatabaseExportAnswer(
            context, database: database, absolute: SelectionArguments().absolute(database),
            point: DatabasePoint(at: at, commit: commit)
        ).run()
    }
}
