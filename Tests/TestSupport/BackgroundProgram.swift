internal import Glibc
internal import Model
internal import Syscalls

/// A program that runs beside the test; killed at the latest when the owner's life ends.
package final class BackgroundProgram {
    private let child: ChildProcess
    private let output: RawPath
    private let error: RawPath
    /// Holds the unread pipe open.
    private var pipe: OwnedDescriptor?
    private var status: ExitStatus?

    /// It did not do in time what was waited for.
    package struct Late: Error, CustomStringConvertible {
        package var description: String
    }

    /// Its output goes to files below `directory`; with `readsOutput` false, to a pipe that nobody reads.
    package init(_ command: [String], in directory: String, readsOutput: Bool = true) throws {
        let name = "\(directory)/program-\(Clock.monotonic())"
        output = RawPath(name + ".out")
        error = RawPath(name + ".err")
        let input = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_RDONLY)
        let errorFile = try OwnedDescriptor.open(error, flags: O_WRONLY | O_CREAT | O_APPEND)
        if readsOutput {
            let file = try OwnedDescriptor.open(output, flags: O_WRONLY | O_CREAT | O_APPEND)
            child = try ChildProcess(
                command.map { RawPath($0) }, input: input.fileDescriptor, output: file.fileDescriptor,
                error: errorFile.fileDescriptor)
        } else {
            try runSuccessfully("mkfifo", [output.lossyText])
            let end = try OwnedDescriptor.open(output, flags: O_RDWR)
            child = try ChildProcess(
                command.map { RawPath($0) }, input: input.fileDescriptor, output: end.fileDescriptor,
                error: errorFile.fileDescriptor)
            pipe = consume end
        }
    }

    deinit {
        end()
    }

    package var standardOutput: [UInt8] { (try? Files.contents(of: output, limit: 1 << 30)) ?? [] }
    package var errorText: String { String(decoding: (try? Files.contents(of: error)) ?? [], as: UTF8.self) }
    package var isRunning: Bool {
        get throws {
            if status == nil { status = try child.poll() }
            return status == nil
        }
    }

    /// Waits until its output satisfies the condition and gives the output.
    @discardableResult
    package func waitForOutput(
        seconds: Int64 = 60, _ isSatisfied: ([UInt8]) throws -> Bool
    ) throws -> [UInt8] {
        let deadline = Clock.monotonic() + seconds * 1_000_000_000
        while true {
            // Only whole lines: the program may be in the middle of one.
            let all = standardOutput
            let whole = Array(all.prefix(through: all.lastIndex(of: UInt8(ascii: "\n")) ?? -1))
            if try isSatisfied(whole) { return whole }
            if Clock.monotonic() > deadline {
                throw Late(description: "no such output in \(seconds) s; \(whole.count) bytes; stderr: \(errorText)")
            }
            Clock.sleep(nanoseconds: 20_000_000)
        }
    }

    /// Waits for its end, killing it after `seconds`.
    package func wait(seconds: Int64 = 300) throws -> Int32 {
        if let status { return status.code }
        var killed = false
        let deadline = Clock.monotonic() + seconds * 1_000_000_000
        let result = try child.wait(untilMonotonic: deadline, killingAfter: &killed)
        status = result
        if killed { throw Late(description: "did not end in \(seconds) s; stderr: \(errorText)") }
        return result.code
    }

    /// Sends a signal and gives the exit code, 128 and the signal when it ended by one.
    package func stop(signal: Int32) throws -> Int32 {
        try child.send(signal: signal)
        return try wait(seconds: 20)
    }

    /// Ends it now, if it still runs.
    package func end() {
        guard status == nil else { return }
        try? child.send(signal: SIGKILL)
        status = try? child.wait()
    }
}

/// Waits until something is true; throws after a minute.
package func waitUntil(_ what: String, _ isTrue: () throws -> Bool) throws {
    let deadline = Clock.monotonic() + 60_000_000_000
    while try !isTrue() {
        guard Clock.monotonic() < deadline else { throw BackgroundProgram.Late(description: "never true: \(what)") }
        Clock.sleep(nanoseconds: 20_000_000)
    }
}

/// A scripted workload that is being performed.
package struct RunningWorkload {
    let log: RawPath
    let process: BackgroundProgram

    /// Waits for its end and gives what its processes wrote down.
    ///
    /// Throws: `WorkloadFailure` when an operation failed: the test's own mistake.
    package func wait() throws -> Truth {
        let code = try process.wait()
        guard code == 0 else { throw WorkloadFailure(description: process.errorText) }
        return Truth(log: try Files.contents(of: log, limit: 1 << 28))
    }
}

/// An operation of a workload failed, so there is nothing to compare with.
package struct WorkloadFailure: Error, CustomStringConvertible {
    package var description: String
}

/// A file that is kept open for writing, such as the end of a FIFO that a program reads.
package final class HeldFile {
    private let descriptor: OwnedDescriptor

    package init(_ path: String) throws {
        descriptor = try OwnedDescriptor.open(RawPath(path), flags: O_RDWR)
    }

    package func write(_ text: String) throws {
        try descriptor.write(Array(text.utf8))
    }
}
