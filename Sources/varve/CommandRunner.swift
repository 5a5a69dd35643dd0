import ArgumentParser
import Glibc
import Query

/// A subcommand that answers a question.
protocol QueryCommand: ParsableCommand {
    func answer() throws -> AnswerStatus
}

/// Parses the arguments, runs the command, and turns what comes of it into an exit code.
enum CommandRunner {
    static func main() -> Never {
        QueryProcess.prepare()
        let arguments = arguments()
        // As quick as the programs that scripts compare versions of: the parser would first build every option.
        if arguments == [Array("--version".utf8)] {
            Failures.print("\(Varve.configuration.version)\n", to: STDOUT_FILENO)
            exit(AnswerStatus.found.rawValue)
        }
        if let command = QuickCommand(arguments) {
            exit(Failures.status { () throws in try command.answer() })
        }
        let words = arguments.map { ArgumentText.standing(for: $0) }
        if let question = question(words) {
            exit(Failures.status { () throws in try question.answer() })
        }
        do {
            var command = try Varve.parseAsRoot(words)
            if let question = command as? any QueryCommand {
                exit(Failures.status { () throws in try question.answer() })
            }
            try command.run()
            exit(AnswerStatus.found.rawValue)
        } catch {
            let code = Varve.exitCode(for: error)
            let text = Varve.fullMessage(for: error)
            // Help and version are answers; everything else that the parser says is about usage.
            guard code == .success, !words.isEmpty else {
                Failures.print("\(text)\n", to: STDERR_FILENO)
                exit(AnswerStatus.usage.rawValue)
            }
            Failures.print("\(text)\n", to: STDOUT_FILENO)
            exit(AnswerStatus.found.rawValue)
        }
    }

    /// The subcommand, if its arguments are in order.
    ///
    /// Asking it directly spares the options of all the others; where it objects, the whole command line is parsed again
    /// for the message.
    private static func question(_ given: [String]) -> (any QueryCommand)? {
        var words = given[...]
        var type = Varve.configuration.subcommands.first { $0.configuration.commandName == words.first }
        if let group = type, !group.configuration.subcommands.isEmpty {
            words = words.dropFirst()
            type = group.configuration.subcommands.first { $0.configuration.commandName == words.first }
        }
        guard let type = type as? any QueryCommand.Type else { return nil }
        return try? type.parse(Array(words.dropFirst()))
    }

    /// The arguments as the bytes they are, without the program's name.
    private static func arguments() -> [[UInt8]] {
        let count = Int(CommandLine.argc)
        guard count > 1 else { return [] }
        return (1..<count).compactMap { index in
            // SAFETY: argv holds `argc` C strings that live as long as the process and are not changed.
            unsafe CommandLine.unsafeArgv[index].map {
                unsafe Array(UnsafeRawBufferPointer(start: $0, count: strlen($0)))
            }
        }
    }
}
