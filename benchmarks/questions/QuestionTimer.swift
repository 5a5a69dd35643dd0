import Glibc
import Model
import Query
import SQLTables
import Syscalls

/// Asks one store the same question again and again within one process; the answers go to /dev/null as CSV.
///
/// The time is from opening the store, as each answer of the programs does, to the last byte of the answer.
struct QuestionTimer {
    let store: RawPath
    let rounds: Int
    /// A question that has taken so long in all its rounds is not asked again.
    let limitNanoseconds: Int64

    /// A question is a line of fields between tabs: a name, then the words that `varve` gets: `events`, `count`, `top`,
    /// `histogram` with a selection, or `sql` with a query.
    ///
    /// Returns: nanoseconds of each round. Throws: `UsageError`, and what answers throw.
    func ask(_ line: String) throws -> (name: String, ns: [Int64]) {
        var words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)[...]
        guard let name = words.popFirst(), let verb = words.popFirst() else {
            throw UsageError("no question: \(line)")
        }
        let answer = try answer(verb, Array(words))
        var times: [Int64] = []
        while times.count < rounds, times.reduce(0, +) < limitNanoseconds {
            let sink = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_WRONLY)
            let context = QueryContext(
                storeDirectory: store, format: .csv, acceptsGaps: true, output: AnswerOutput(to: sink),
                messages: Messages(collecting: true))
            let started = Clock.monotonic()
            let status = try answer(context)
            times.append(Clock.monotonic() - started)
            guard status == .found || status == .nothingFound else { throw UsageError("\(name): no whole answer") }
        }
        return (name, times)
    }

    private func answer(_ verb: String, _ words: [String]) throws -> (QueryContext) throws -> AnswerStatus {
        if verb == "sql" {
            guard words.count == 1 else { throw UsageError("sql takes a query") }
            return { try SQLAnswer($0, query: Array(words[0].utf8)).run() }
        }
        var words = words
        let named = Self.take("--by", from: &words)
        let every = try Self.take("--every", from: &words).map { try TimeSpan.parse($0) }
        guard let typed = QuickCommand([Array("events".utf8)] + words.map { Array($0.utf8) }) else {
            throw UsageError("no selection: \(words.joined(separator: " "))")
        }
        let selection = try typed.selection.selection()
        switch (verb, named.flatMap(Grouping.init(rawValue:)), every) {
        case ("events", nil, nil): return { try EventsAnswer($0, selection).run() }
        case ("count", nil, nil): return { try CountAnswer($0, selection).run() }
        case ("top", let grouping?, nil): return { try TopAnswer($0, selection, by: grouping).run() }
        case ("histogram", let grouping?, let every?):
            return { try HistogramAnswer($0, selection, every: every, by: grouping).run() }
        default: throw UsageError("not understood: \(verb) by \(named ?? "nothing")")
        }
    }

    /// The value of an option, which is taken out of the words.
    private static func take(_ option: String, from words: inout [String]) -> String? {
        guard let place = words.firstIndex(of: option), place + 1 < words.count else { return nil }
        let value = words[place + 1]
        words.removeSubrange(place...place + 1)
        return value
    }
}
