import Glibc
import Model
import Query

/// Makes the stores that `harness/scenarios/questions.py` asks, and tells how long an answer takes inside one process.
///
///     questions replicate SOURCE STORE EVENTS ONCE     the events of a store again and again, each time earlier
///     questions zipf STORE EVENTS SEED                 synthetic events over paths that follow Zipf's law
///     questions ask STORE ROUNDS SECONDS < QUESTIONS   one JSON object a question: {"name":…,"ns":[…]}
@main enum QuestionsBenchmark {
    static func main() {
        QueryProcess.prepare()
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            switch (words.first, words.count) {
            case ("replicate", 5):
                let count = try StoreReplication(source: RawPath(words[1]), once: RawPath(words[4]))
                    .write(to: RawPath(words[2]), eventCount: number(words[3]))
                print("{\"events\":\(count)}")
            case ("zipf", 4):
                var workload = ZipfWorkload(seed: try number(words[3]))
                print("{\"events\":\(try workload.write(to: RawPath(words[1]), eventCount: number(words[2])))}")
            case ("ask", 4):
                let timer = QuestionTimer(
                    store: RawPath(words[1]), rounds: Int(try number(words[2])),
                    limitNanoseconds: Int64(try number(words[3])) * 1_000_000_000)
                while let line = readLine() {
                    let times = try timer.ask(line)
                    print("{\"name\":\"\(times.name)\",\"ns\":[\(times.ns.map { "\($0)" }.joined(separator: ","))]}")
                }
            default:
                throw UsageError(
                    "replicate SOURCE STORE EVENTS ONCE | zipf STORE EVENTS SEED | ask STORE ROUNDS SECONDS")
            }
        } catch {
            Failures.print("questions: \(error)\n", to: STDERR_FILENO)
            exit(1)
        }
    }

    private static func number(_ text: String) throws -> UInt64 {
        guard let number = UInt64(text), number > 0 else { throw UsageError("'\(text)' is no number above 0") }
        return number
    }
}
