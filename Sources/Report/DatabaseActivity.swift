internal import Block
internal import Model
internal import Query
internal import Segment
internal import Store

/// The commits of the watched databases that a selection asks for.
///
/// Of the selection the range and the places count: what a process or an operation would narrow is not told of commits.
/// Memory: the table of one segment, `maximumCommitCount` commits, 8 bytes for each bucket of each database.
struct DatabaseActivity {
    /// The newest ones are listed, of all databases together.
    static let maximumCommitCount = 500
    /// Those with the most commits are shown.
    static let maximumDatabaseCount = 50

    struct Database {
        var stream: DatabaseStream
        /// By bucket.
        var counts: [UInt64]
        var commitCount: UInt64 = 0
        var pageCount: UInt64 = 0
        var byteCount: UInt64 = 0
    }

    struct Commit {
        var stream: UUIDBytes
        var number: UInt64
        var low: Instant
        var high: Instant
        var pageCount: Int
        var byteCount: Int
        var attribution: String
        var writers: [ActorProcess]
    }

    private(set) var databases: [Database] = []
    /// Oldest first.
    private(set) var commits: [Commit] = []
    private(set) var commitCount: UInt64 = 0
    /// How many databases are not shown.
    private(set) var hiddenCount = 0
    /// What is known to be missing of them.
    private(set) var reasons: [Completeness.Reason] = []
    /// What of them could not be read, one line for people each.
    private(set) var failures: [String] = []

    /// Throws: `StoreError`.
    init(_ reader: StoreReader, _ selection: Selection, axis: TimeAxis) throws(StoreError) {
        let streams = try reader.streams()
        for stream in streams where Self.isAsked(stream.paths, selection) {
            let history = try DatabaseHistory(stream, reader)
            let name = TerminalText.escaped(stream.paths.last?.bytes ?? Array(stream.uuid.hexadecimalText.utf8))
            count(history, selection, axis, name: name)
            let gaps = history.gaps.filter { gap in
                selection.since.map { gap.high >= $0 } ?? true && selection.until.map { gap.low < $0 } ?? true
            }
            let losses = try DatabaseLosses(history, reader).all(since: selection.since, until: selection.until)
            reasons += (gaps.map(\.text) + losses.map(\.databaseText)).map { .unread("database \(name): \($0)") }
        }
        // Databases of which nothing was captured have no history that could tell.
        let listed = Set(streams.flatMap(\.paths))
        for gap in try reader.gaps().map(\.gap) where gap.kind == .walMissed && selection.asksFor(gap) {
            guard let scope = gap.scope, !listed.contains(scope), Self.isAsked([scope], selection) else { continue }
            reasons.append(.unread("database \(TerminalText.escaped(scope.bytes)): \(gap.databaseText)"))
        }
        trimDatabases()
        trimCommits()
    }

    private static func isAsked(_ paths: [RawPath], _ selection: Selection) -> Bool {
        func any(_ globs: [Glob]) -> Bool {
            globs.isEmpty || paths.contains { path in globs.contains { $0.matches(path.bytes) } }
        }
        return any(selection.paths) && any(selection.directories)
    }

    /// Takes in the commits of a database; a segment that cannot be read ends them and is named.
    private mutating func count(
        _ history: DatabaseHistory, _ selection: Selection, _ axis: TimeAxis, name: String
    ) {
        var database = Database(stream: history.stream, counts: Array(repeating: 0, count: axis.count))
        do {
            try history.forEachCommit(from: selection.since, to: selection.until) { commit, table, byteCount in
                if let since = selection.since, commit.high < since { return }
                if let until = selection.until, commit.high >= until { return }
                database.counts[axis.bucket(of: commit.high)] += 1
                database.commitCount += 1
                database.pageCount += UInt64(commit.pages.count)
                database.byteCount += UInt64(max(0, byteCount))
                commits.append(
                    Commit(
                        stream: history.stream.uuid, number: commit.number, low: commit.low, high: commit.high,
                        pageCount: commit.pages.count, byteCount: byteCount, attribution: commit.attribution.name,
                        writers: table.processes(ofSet: commit.writers)))
                if commits.count >= 4 * Self.maximumCommitCount { trimCommits() }
            }
        } catch {
            failures.append(
                "database \(name): its commits cannot be read behind the first \(database.commitCount): "
                    + TerminalText.escaped(Array("\(error)".utf8)))
        }
        commitCount += database.commitCount
        databases.append(database)
        if databases.count >= 4 * Self.maximumDatabaseCount { trimDatabases() }
    }

    /// Keeps the newest.
    private mutating func trimCommits() {
        commits.sort { ($0.high, $0.number) < ($1.high, $1.number) }
        commits.removeFirst(max(0, commits.count - Self.maximumCommitCount))
    }

    /// Keeps those with the most commits.
    private mutating func trimDatabases() {
        databases.sort { ($0.commitCount, $1.stream.firstSeen) > ($1.commitCount, $0.stream.firstSeen) }
        let surplus = max(0, databases.count - Self.maximumDatabaseCount)
        databases.removeLast(surplus)
        hiddenCount += surplus
    }
}
