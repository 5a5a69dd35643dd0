package import Model

/// The usual questions, read from the command line without the argument parser.
///
/// The parser builds its tree of options by reflection, which takes longer than all the rest of a question about one path
/// (docs/decisions/0007-quick-arguments.md). What is not understood here is left to the parser, so this only has to be
/// right about what it takes, not complete. Arguments stay bytes, so that any path can be asked for.
package struct QuickCommand: Sendable {
    package enum Verb: String, Sendable {
        case events
        case count
    }

    package let verb: Verb
    package private(set) var selection = SelectionArguments()
    package private(set) var store: RawPath?
    package private(set) var format: OutputFormat?
    package private(set) var acceptsGaps = false
    package private(set) var follows = false
    private var seen: Set<String> = []

    /// Nil where the arguments (without the program's name) hold anything but the plainest form of `events` or `count`.
    package init?(_ arguments: [[UInt8]]) {
        guard let first = arguments.first, let verb = Verb(rawValue: String(decoding: first, as: UTF8.self)) else {
            return nil
        }
        self.verb = verb
        var rest = arguments.dropFirst()
        while let argument = rest.popFirst() {
            if takeFlag(argument) { continue }
            guard let (name, value) = Self.option(argument, &rest), take(name, value) else { return nil }
        }
    }

    /// Asks. Throws: as the answers do.
    package func answer() throws -> AnswerStatus {
        let context = try QueryContext(store: store, format: format, acceptsGaps: acceptsGaps)
        let selection = try selection.selection()
        switch verb {
        case .events:
            return follows ? try Follower(context, selection).run() : try EventsAnswer(context, selection).run()
        case .count: return try CountAnswer(context, selection).run()
        }
    }

    private mutating func takeFlag(_ argument: [UInt8]) -> Bool {
        switch String(decoding: argument, as: UTF8.self) {
        case "--reverse": selection.isReversed = true
        case "--overlapping": selection.includesOverlapping = true
        case "--accept-gaps": acceptsGaps = true
        case "--follow" where verb == .events, "-f" where verb == .events: follows = true
        default: return false
        }
        return true
    }

    /// `--name VALUE` or `--name=VALUE`; nil where there is no value.
    private static func option(
        _ argument: [UInt8], _ rest: inout ArraySlice<[UInt8]>
    ) -> (String, [UInt8])? {
        if argument.elementsEqual("-o".utf8) {
            return rest.popFirst().map { ("--output", $0) }
        }
        guard argument.starts(with: "--".utf8) else { return nil }
        if let equals = argument.firstIndex(of: UInt8(ascii: "=")) {
            return (String(decoding: argument[..<equals], as: UTF8.self), Array(argument[(equals + 1)...]))
        }
        return rest.popFirst().map { (String(decoding: argument, as: UTF8.self), $0) }
    }

    private mutating func take(_ name: String, _ value: [UInt8]) -> Bool {
        switch name {
        case "--path": selection.paths.append(RawPath(value))
        case "--under": selection.directories.append(RawPath(value))
        case "--exe": selection.exes.append(RawPath(value))
        case "--comm": selection.comms.append(RawPath(value))
        case "--unit": selection.units.append(RawPath(value))
        case "--container": selection.containers.append(RawPath(value))
        case "--store":
            guard seen.insert(name).inserted, !value.starts(with: "-".utf8) else { return false }
            store = RawPath(value)
        default:
            guard let text = RawPath(value).text else { return false }
            return take(name, text: text)
        }
        return true
    }

    private mutating func take(_ name: String, text: String) -> Bool {
        switch name {
        case "--user": selection.users.append(text)
        case "--login-user": selection.loginUsers.append(text)
        case "--pid": selection.pids.append(text)
        case "--op" where !text.hasPrefix("-"): selection.operations.append(text)
        // Which of two values counts is for the parser to say.
        case "--since" where seen.insert(name).inserted: selection.since = text
        case "--until" where seen.insert(name).inserted: selection.until = text
        case "--limit" where seen.insert(name).inserted:
            guard let limit = Int(text), limit >= 0 else { return false }
            selection.limit = limit
        case "--output" where seen.insert(name).inserted:
            guard let form = OutputFormat(rawValue: text) else { return false }
            format = form
        default: return false
        }
        return true
    }
}
