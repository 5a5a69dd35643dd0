internal import Model
internal import Store
internal import Syscalls

/// Errors of all rooms as remarks and exit codes.
package enum Failures {
    /// Runs `body` and says why it failed, if it did; gives the exit code.
    package static func status(_ body: () throws -> AnswerStatus) -> Int32 {
        do {
            return try body().rawValue
        } catch AnswerOutput.Failure.closed {
            // Whoever read the answer had enough of it.
            return AnswerStatus.found.rawValue
        } catch {
            let (status, text) = explain(error)
            Messages().say(text)
            return status.rawValue
        }
    }

    /// Writes all of `text`, as far as the descriptor takes it. Nothing in it may steer a terminal, whatever an argument
    /// or a name brought in: control characters but the end of line are written as `\xNN`.
    package static func print(_ text: String, to descriptor: Int32) {
        write(Array(ArgumentText.shown(text).withoutControls.utf8), to: descriptor)
    }

    /// The same for one line, without its end, in a style.
    static func print(_ line: String, to descriptor: Int32, _ style: TextStyle, on terminal: Terminal) {
        var bytes: [UInt8] = []
        style.append(to: &bytes, on: terminal) { $0.append(string: ArgumentText.shown(line).withoutControls) }
        bytes.append(UInt8(ascii: "\n"))
        write(bytes, to: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        ProgressLine.erase()
        // Nothing is left to do where it cannot be written.
        let stream = OwnedDescriptor(takingOver: descriptor)
        try? stream.write(bytes)
        _ = stream.release()
    }

    /// What an error means to whoever asked.
    package static func explain(_ error: any Error) -> (AnswerStatus, String) {
        switch error {
        case let error as StoreError: (.unreadable, "\(error)")
        case let error as UpkeepAnswer.Refusal: (.unreadable, error.description)
        case let error as UsageError: (.usage, error.description)
        case let error as TimeError: (.usage, error.description)
        case let error as TimeSpanError: (.usage, error.description)
        case let error as GlobError: (.usage, error.description)
        case let error as UnknownOperation: (.usage, error.description)
        case AnswerOutput.Failure.system(let error): (.incomplete, "the answer could not be written: \(error)")
        case let error as SyscallError: (.unreadable, "\(error)")
        default: (.unreadable, "\(error)")
        }
    }
}
