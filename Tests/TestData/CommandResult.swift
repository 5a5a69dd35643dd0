internal import Glibc
package import Model
package import Syscalls

/// How a program ended and what it said.
package struct CommandResult: Sendable {
    /// The exit code, or 128 and the signal that ended it.
    package var status: Int32
    package var output: [UInt8]
    package var error: [UInt8]
    /// The program was killed because its time was over.
    package var timedOut: Bool

    /// Standard output for people.
    package var outputText: String { String(decoding: output, as: UTF8.self) }
    /// Standard error for people.
    package var errorText: String { String(decoding: error, as: UTF8.self) }
    package var lines: [Substring] { outputText.split(separator: "\n") }
}

/// A program of the test's own set-up that failed.
package struct CommandFailure: Error, CustomStringConvertible {
    package var command: [String]
    package var result: CommandResult

    package init(command: [String], result: CommandResult) {
        self.command = command
        self.result = result
    }

    package var description: String {
        let end = result.timedOut ? "killed when its time was over" : "ended with \(result.status)"
        return "\(command.joined(separator: " ")) \(end): \(result.errorText)"
    }
}

/// Runs a program to its end; its input is empty.
///
/// Parameters: `program` is searched for in PATH unless it has a slash; `environment` as NAME=VALUE, nil for this
/// process's own; after `timeoutSeconds` it is killed and `timedOut` set.
package func run(
    _ program: String, _ arguments: [String] = [], environment: [String]? = nil, directory: String? = nil,
    timeoutSeconds: Int64 = 60
) throws -> CommandResult {
    try run(
        ([program] + arguments).map { RawPath($0) }, environment: environment, directory: directory,
        timeoutSeconds: timeoutSeconds)
}

/// The same with arguments that need not be UTF-8.
package func run(
    _ command: [RawPath], environment: [String]? = nil, directory: String? = nil, timeoutSeconds: Int64 = 60
) throws -> CommandResult {
    let empty = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_RDONLY)
    var output = try Pipe()
    var error = try Pipe()
    guard let outputReader = output.readEnd.take(), let errorReader = error.readEnd.take(),
        let outputWriter = output.writeEnd.take(), let errorWriter = error.writeEnd.take()
    else { preconditionFailure("a new pipe has both ends") }
    let child = try ChildProcess(
        command, environment: environment?.map { RawPath($0) }, directory: directory.map { RawPath($0) },
        input: empty.fileDescriptor, output: outputWriter.fileDescriptor,
        error: errorWriter.fileDescriptor)
    try outputWriter.close()
    try errorWriter.close()

    var result = CommandResult(status: 0, output: [], error: [], timedOut: false)
    let deadline = Clock.monotonic() + timeoutSeconds * 1_000_000_000
    let ended = try child.openDescriptor()
    var waiting = PollSet(reading: [outputReader.fileDescriptor, errorReader.fileDescriptor, ended.fileDescriptor])
    var open = 2
    // A grandchild may keep the pipes open; once the program itself has ended, what is in them now is all of it.
    while open > 0 {
        let ready = try waiting.wait(timeoutNanoseconds: deadline - Clock.monotonic())
        if ready == 0 && Clock.monotonic() >= deadline {
            result.timedOut = true
            try child.send(signal: SIGKILL)
            break
        }
        var progress = false
        if waiting.isReady(at: 0) {
            progress = true
            if try outputReader.read(upTo: 65_536, appendingTo: &result.output) == 0 {
                waiting.replace(at: 0, with: -1)
                open -= 1
            }
        }
        if waiting.isReady(at: 1) {
            progress = true
            if try errorReader.read(upTo: 65_536, appendingTo: &result.error) == 0 {
                waiting.replace(at: 1, with: -1)
                open -= 1
            }
        }
        if !progress && waiting.isReady(at: 2) { break }
    }
    result.status = try child.wait(untilMonotonic: deadline, killingAfter: &result.timedOut).code
    return result
}

/// Runs a program that must succeed.
///
/// Throws: `CommandFailure` with what it said.
@discardableResult
package func runSuccessfully(
    _ program: String, _ arguments: [String] = [], environment: [String]? = nil, directory: String? = nil,
    timeoutSeconds: Int64 = 60
) throws -> CommandResult {
    let result = try run(
        program, arguments, environment: environment, directory: directory, timeoutSeconds: timeoutSeconds)
    guard result.status == 0 else {
        throw CommandFailure(command: [program] + arguments, result: result)
    }
    return result
}

extension ChildProcess {
    /// Waits for the end until CLOCK_MONOTONIC shows `deadline`, then kills; `killed` is set where that was needed.
    package func wait(untilMonotonic deadline: Int64, killingAfter killed: inout Bool) throws -> ExitStatus {
        let ended = try openDescriptor()
        var waiting = PollSet(reading: [ended.fileDescriptor])
        while true {
            if let status = try poll() { return status }
            let rest = deadline - Clock.monotonic()
            if rest <= 0 {
                killed = true
                try send(signal: SIGKILL)
                return try wait()
            }
            try waiting.wait(timeoutNanoseconds: rest)
        }
    }
}
