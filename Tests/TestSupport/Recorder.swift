internal import Glibc
internal import Model
internal import Synchronization
package import Syscalls

/// A running `varved`, killed at the latest when the owner's life ends.
package final class Recorder: Sendable {
    /// It ended, or did not say that it records in time.
    package struct StartFailure: Error, CustomStringConvertible {
        package var status: ExitStatus?
        package var standardError: [UInt8]

        package var description: String {
            let end = status.map { "ended with \($0)" } ?? "did not say that it records"
            return "varved \(end): \(String(decoding: standardError, as: UTF8.self))"
        }
    }

    package let pid: Int32
    private let child: ChildProcess
    private let directory: TemporaryDirectory
    private let ended = Mutex<ExitStatus?>(nil)

    /// Starts `varved` and waits for its line `varved: recording`.
    ///
    /// Throws: `StartFailure` with its standard error when it ends before, or after `timeoutSeconds`.
    package static func start(
        _ arguments: [String], program: String = BuiltPrograms.varved, environment: [String]? = nil,
        directory: String? = nil, timeoutSeconds: Int64 = 30
    ) throws -> Recorder {
        let recorder = try Recorder([program] + arguments, environment, directory)
        try recorder.waitForLine("varved: recording", timeoutSeconds: timeoutSeconds)
        return recorder
    }

    private init(_ command: [String], _ environment: [String]?, _ workingDirectory: String?) throws {
        directory = try TemporaryDirectory()
        // Files, not pipes: nobody has to read while the test works.
        let input = try OwnedDescriptor.open(RawPath("/dev/null"), flags: O_RDONLY)
        let output = try OwnedDescriptor.open(
            RawPath(directory.appending("stdout")), flags: O_WRONLY | O_CREAT | O_APPEND)
        let error = try OwnedDescriptor.open(
            RawPath(directory.appending("stderr")), flags: O_WRONLY | O_CREAT | O_APPEND)
        child = try ChildProcess(
            command.map { RawPath($0) }, environment: environment?.map { RawPath($0) },
            directory: workingDirectory.map { RawPath($0) }, input: input.fileDescriptor, output: output.fileDescriptor,
            error: error.fileDescriptor)
        pid = child.pid
    }

    deinit {
        guard ended.withLock({ $0 }) == nil else { return }
        try? child.send(signal: SIGKILL)
        _ = try? child.wait()
    }

    package var standardError: [UInt8] {
        (try? Files.contents(of: RawPath(directory.appending("stderr")), limit: 1 << 24)) ?? []
    }

    package var standardOutput: [UInt8] {
        (try? Files.contents(of: RawPath(directory.appending("stdout")), limit: 1 << 24)) ?? []
    }

    package var errorText: String { String(decoding: standardError, as: UTF8.self) }

    /// Whether it has not ended.
    package var isRunning: Bool {
        ended.withLock { status in
            if status == nil { status = (try? child.poll()) ?? nil }
            return status == nil
        }
    }

    /// Asks it to end (SIGTERM) and waits; after `timeoutSeconds` it is killed, which the status shows.
    @discardableResult
    package func stop(timeoutSeconds: Int64 = 60) throws -> ExitStatus {
        try end(with: SIGTERM, timeoutSeconds: timeoutSeconds)
    }

    /// Kills it (SIGKILL) and waits.
    @discardableResult
    package func kill() throws -> ExitStatus {
        try end(with: SIGKILL, timeoutSeconds: 60)
    }

    /// Stops it where it is (SIGSTOP) and waits until the kernel says that it is stopped.
    package func pause() throws {
        try child.send(signal: SIGSTOP)
        let deadline = Clock.monotonic() + 10_000_000_000
        while Clock.monotonic() < deadline {
            // The state is the field after the name, which is in parentheses and may hold anything.
            let line = try Files.contents(of: RawPath("/proc/\(pid)/stat"))
            if let end = line.lastIndex(of: UInt8(ascii: ")")), line.dropFirst(end + 2).first == UInt8(ascii: "T") {
                return
            }
            Clock.sleep(nanoseconds: 1_000_000)
        }
    }

    /// Lets it go on (SIGCONT).
    package func resume() throws {
        try child.send(signal: SIGCONT)
    }

    /// Sends it any signal.
    package func send(signal: Int32) throws {
        try child.send(signal: signal)
    }

    /// Waits for its end without asking for it, for `varved … -- COMMAND`.
    @discardableResult
    package func wait(timeoutSeconds: Int64 = 60) throws -> ExitStatus {
        try end(with: nil, timeoutSeconds: timeoutSeconds)
    }

    /// Waits until a line of its standard error starts with `prefix`.
    package func waitForLine(_ prefix: String, timeoutSeconds: Int64 = 30) throws {
        let deadline = Clock.monotonic() + timeoutSeconds * 1_000_000_000
        while true {
            let running = isRunning
            let text = errorText
            if text.split(separator: "\n").contains(where: { $0.hasPrefix(prefix) }) && text.contains("\n") { return }
            if !running || Clock.monotonic() > deadline {
                throw StartFailure(status: ended.withLock { $0 }, standardError: standardError)
            }
            Clock.sleep(nanoseconds: 5_000_000)
        }
    }

    private func end(with signal: Int32?, timeoutSeconds: Int64) throws -> ExitStatus {
        try ended.withLock { status in
            if let status { return status }
            if let signal { try child.send(signal: signal) }
            // A stopped process does not see SIGTERM until it goes on.
            if signal == SIGTERM { try child.send(signal: SIGCONT) }
            var killed = false
            let deadline = Clock.monotonic() + timeoutSeconds * 1_000_000_000
            let result = try child.wait(untilMonotonic: deadline, killingAfter: &killed)
            status = result
            return result
        }
    }
}
