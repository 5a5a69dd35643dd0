import Glibc
import MeasuredOperations

/// What benchmarks/count-instructions runs under callgrind: one operation, once, after its input was made.
///
///     instructions list                  the names, one a line
///     instructions write DIRECTORY       makes the store that the questions are asked of
///     instructions run NAME DIRECTORY    does the work; prints how many things it was done to, and their name
@main enum InstructionProgram {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            switch (words.first, words.count) {
            case ("list", 1):
                for name in MeasuredOperation.Name.allCases { print(name.rawValue) }
            case ("write", 2):
                try StoredStorm.write(to: words[1])
            case ("run", 3):
                guard let name = MeasuredOperation.Name(rawValue: words[1]) else { fail("no operation \(words[1])") }
                let operation = try MeasuredOperation(name, store: words[2])
                _ = try countedRun(operation)
                print(operation.unitCount, operation.unit)
            default:
                fail("usage: instructions list | write DIRECTORY | run NAME DIRECTORY")
            }
        } catch {
            fail("\(error)")
        }
    }

    /// Callgrind counts while this is entered: its name is known to benchmarks/count-instructions.
    @inline(never)
    private static func countedRun(_ operation: MeasuredOperation) throws -> Int {
        try operation.run()
    }

    private static func fail(_ text: String) -> Never {
        print(text)
        exit(2)
    }
}
