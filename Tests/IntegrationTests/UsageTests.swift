import TestSupport
import Testing

/// Wishes that cannot be met, as whole commands: status 2, and what would have been right.
extension EndToEnd {
    @Suite struct Usage {
        /// The command, and what its message has.
        static let refused: [([String], [String])] = [
            (["bogus"], ["bogus"]),
            (["events", "--bogus"], ["--bogus"]),
            (["count", "--since"], ["--since"]),
            (["events", "--since", "yesterdy"], ["yesterdy", "2026-11-23T13:00", "-10m", "today", "boot"]),
            (["top", "--until", "2026-13-40"], ["2026-13-40", "2026-11-23T13:00"]),
            (["events", "--since", "now", "--until", "yesterday"], ["--since must be before --until"]),
            (["histogram", "--since", "2026-02-02", "--until", "2026-02-01"], ["--since must be before --until"]),
            (["gaps", "--since", "now", "--until", "-1h"], ["--since must be before --until"]),
            (["file", "/x", "--since", "now", "--until", "-1h"], ["--since must be before --until"]),
            (["export", "--format", "csv", "--since", "now", "--until", "-1h"], ["--since must be before --until"]),
            (["events", "--op", "creat"], ["creat", "create", "modify", "rename"]),
            (["top", "--by", "colour"], ["colour", "path", "dir", "exe", "user"]),
            (["histogram", "--every", "5parsecs"], ["parsecs", "ms, s, m, h, d"]),
            (["histogram", "--every", "0s"], ["0s"]),
            (["events", "--limit", "many"], ["many"]),
            (["events", "--limit", "-1"], ["--limit"]),
            (["events", "-o", "xml"], ["xml", "table", "json", "jsonl", "csv"]),
            (["events", "--pid", "init"], ["init"]),
            (["count", "--user", "nobody-of-that-name"], ["nobody-of-that-name"]),
            (["events", "--path", ""], ["empty"]),
            (["events", "--path", "/a//../b"], ["/a/../b", "no path matches"]),
            (["count", "--under", ""], ["--under"]),
            (["events", "-f", "--until", "now"], ["--follow", "--until"]),
            (["events", "-f", "--reverse"], ["--follow", "--reverse"]),
            (["process", "x"], ["x", "PID@TIME"]),
            (["process", "1@noon"], ["noon", "2026-11-23T13:00"]),
            (["around", "noon"], ["noon", "2026-11-23T13:00"]),
            (["around", "5", "--span", "long"], ["a number with a unit", "10m"]),
            (["around", "5", "--since", "-1h"], ["--span"]),
            (["around", "0"], ["0"]),
            (["tree"], ["--under"]),
            (["tree", "--under", "/", "--at", "then"], ["then", "2026-11-23T13:00"]),
            (["tree", "--under", "/", "--depth", "0"], ["--depth"]),
            (["changes", "--what", "painted"], ["painted", "created", "deleted"]),
            (["changes", "--op", "create"], ["--what"]),
            (["replay", "--speed", "0"], ["--speed", "0.001"]),
            (["replay", "--max-pause", "never"], ["a number with a unit", "10m"]),
            (["replay", "--step"], ["--step", "terminal"]),
            (["export"], ["--format"]),
            (["export", "--format", "xml"], ["xml", "jsonl", "parquet"]),
            (["export", "--format", "sqlite"], ["-o FILE"]),
            (["export", "--format", "csv", "--cursor-file", "c", "--until", "now"], ["--cursor-file", "--until"]),
            (["report", "--limit", "0"], ["--limit", "500"]),
            (["sql"], ["QUERY"]),
            (["sql", ""], ["empty"]),
            (["sql", "DROP TABLE event"], ["SELECT"]),
            (["sql", "SELECT colour FROM event"], ["colour"]),
            (["prune"], ["--before", "--max-size", "--max-age"]),
            (["prune", "--before", "-1d", "--max-age", "1d"], ["one of"]),
            (["prune", "--max-age", "30"], ["30"]),
            (["prune", "--max-size", "big"], ["500M"]),
            (["db", "restore", "x", "-o", "y"], ["--at", "--commit"]),
            (["db", "restore", "x", "--commit", "first", "-o", "y"], ["first"]),
            (["db", "commits"], ["DB"]),
            (["archive", "restore", "x"], ["-o"]),
        ]

        @Test(arguments: refused) func theMessageSaysWhatWouldBeRight(command: [String], words: [String]) throws {
            let directory = try TemporaryDirectory()
            let answer = try run(BuiltPrograms.varve, command, directory: directory.path)
            #expect(answer.status == 2, "\(command): \(answer.status) \(answer.errorText)")
            #expect(answer.output.isEmpty, "\(command): \(answer.outputText)")
            for word in words {
                #expect(answer.errorText.contains(word), "\(command) lacks \(word): \(answer.errorText)")
            }
        }
    }
}
