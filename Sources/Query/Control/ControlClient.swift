private import Glibc
package import Model
internal import Store
package import Syscalls

/// What a recorder said.
package struct ControlAnswer: Sendable {
    /// The whole line as it came, without its end.
    package var line: [UInt8]
    package var value: JSONValue

    package var isOK: Bool { value["ok"] == .boolean(true) }

    /// Why it did not do what it was asked.
    package var error: String {
        value["error"]?.text.map { TerminalText.escaped(Array($0.utf8)) } ?? "the recorder gave no reason"
    }
}

/// A recorder could not be asked.
package enum ControlError: Error {
    /// No recorder listens on the store.
    case noRecorder
    /// One listens, and this user may not ask it, or the talk broke off.
    case system(SyscallError)
    /// It did not answer in time.
    case noAnswer
    /// It answered something else than one JSON object in a line.
    case notUnderstood

    /// Why, in one line.
    package var text: String {
        switch self {
        case .noRecorder: "no recorder runs on this store"
        case .system(let error):
            "the recorder cannot be asked: \(error)"
                + (error.errno == EACCES ? "; members of the store's group and root may" : "")
        case .noAnswer: "the recorder does not answer"
        case .notUnderstood: "the recorder gave an answer that is not understood"
        }
    }
}

/// Asks the recorder that holds a store, through the socket in the store's directory: one line with a verb, one line of
/// JSON back.
package struct ControlClient: Sendable {
    private let socket: RawPath

    package init(_ storeDirectory: RawPath) {
        socket = StoreLayout(directory: storeDirectory).socket
    }

    /// Sends `verb` with its argument and waits for the answer.
    ///
    /// Parameter timeoutNanoseconds: nil waits as long as it takes.
    package func ask(
        _ verb: String, _ argument: String? = nil, timeoutNanoseconds: Int64? = nil
    ) throws(ControlError) -> ControlAnswer {
        var stream = try open(verb, argument)
        guard let line = try stream.nextLine(timeoutNanoseconds: timeoutNanoseconds) else {
            throw stream.hasEnded ? .notUnderstood : .noAnswer
        }
        guard let value = JSONValue(line), case .object = value else { throw .notUnderstood }
        return ControlAnswer(line: line, value: value)
    }

    /// Sends `verb` and leaves the connection open, for `follow`.
    package func open(_ verb: String, _ argument: String? = nil) throws(ControlError) -> ControlStream {
        do throws(SyscallError) {
            let connection = try UnixSocket.connect(to: socket)
            // A line break would end the request early.
            let text = argument.map { " " + String($0.map { $0.isNewline ? " " : $0 }) } ?? ""
            try connection.write(Array("\(verb)\(text)\n".utf8))
            return ControlStream(connection)
        } catch {
            switch error.errno {
            case ENOENT, ECONNREFUSED, ENOTDIR: throw .noRecorder
            default: throw .system(error)
            }
        }
    }
}

/// The lines that a recorder sends on one connection.
package struct ControlStream: ~Copyable {
    private let connection: OwnedDescriptor
    private var held: [UInt8] = []
    /// The recorder has closed the connection.
    package private(set) var hasEnded = false
    /// No answer is longer.
    private static let lineByteLimit = 1 << 20

    init(_ connection: consuming OwnedDescriptor) {
        self.connection = connection
    }

    package var fileDescriptor: Int32 { connection.fileDescriptor }

    /// The next line without its end; nil when none came in time or none will come.
    package mutating func nextLine(timeoutNanoseconds: Int64?) throws(ControlError) -> [UInt8]? {
        let deadline = timeoutNanoseconds.map { Clock.monotonic() &+ $0 }
        do throws(SyscallError) {
            while true {
                if let end = held.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = Array(held[..<end])
                    held.removeSubrange(...end)
                    return line
                }
                guard !hasEnded, held.count < Self.lineByteLimit else { return nil }
                var set = PollSet(reading: [connection.fileDescriptor])
                let left = deadline.map { max(0, $0 &- Clock.monotonic()) }
                if try set.wait(timeoutNanoseconds: left) == 0 {
                    if left == 0 { return nil }
                    continue
                }
                if try connection.read(upTo: 4_096, appendingTo: &held) == 0 { hasEnded = true }
            }
        } catch {
            hasEnded = true
            throw .system(error)
        }
    }
}
