import ArgumentParser
import Model
import Query
import SQLTables

struct SQLCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Ask in SQL, over events, counts, processes, gaps, blocks and captured commits.",
        discussion: """
            QUERY is one SELECT of SQLite; - reads it from the standard input. Times compare as moments, however they are \
            written: time >= '2026-11-23 13:00' (UTC), time >= datetime('now', '-10 minutes'). A merged record names \
            several operations: op MATCH 'create,modify' finds those that hold one of them. The columns are in \
            docs/sql.md; 'PRAGMA table_xinfo(event)' lists them.

            event_count, event_group and event_histogram count as 'varve count', 'top' and 'histogram' do, with their \
            options as hidden columns: since, until, under, op, pid, … take = and IN.

            varve sql "SELECT time, path FROM event WHERE op MATCH 'delete' LIMIT 20"
            varve sql "SELECT name, events FROM event_group WHERE by = 'exe' LIMIT 20"
            varve sql --explain "SELECT time, pid, exe FROM event WHERE path GLOB '/etc/*'"
            """)

    @Argument(help: ArgumentHelp("One SELECT.", valueName: "QUERY"))
    var query: RawPath
    @Flag(help: "Also say for each table what was pushed down into it and how many blocks were skipped.")
    var explain = false
    @OptionGroup var options: StoreOptions

    func answer() throws -> AnswerStatus {
        let query = try SQLAnswer.query(query)
        return try SQLAnswer(options.context(), query: query, explains: explain).run()
    }
}
