private import Glibc
package import Syscalls

/// Where an answer goes, through a buffer of 64 KiB.
///
/// Thread: one.
package final class AnswerOutput {
    /// Why nothing more can be written.
    package enum Failure: Error {
        /// The reader of the pipe has gone: a quiet end.
        case closed
        case system(SyscallError)
    }

    private enum Sink: ~Copyable {
        case descriptor(OwnedDescriptor)
        case memory
    }

    /// What is to be written next. Writers append to it.
    package var bytes: [UInt8] = []
    /// True when a person looks on: control characters are escaped in every form, tables are the default.
    package let isTerminal: Bool
    private let measure: () -> Terminal?
    /// What a person looks on with, asked anew each time.
    package var terminal: Terminal? { isTerminal ? measure() : nil }
    /// Everything that was written, for an output into memory.
    package private(set) var collected: [UInt8] = []
    private let sink: Sink
    private var hasWritten = false
    private static let byteLimit = 65_536

    /// The standard output.
    package init() {
        isTerminal = isatty(STDOUT_FILENO) == 1
        measure = { Terminal(at: STDOUT_FILENO) }
        sink = .descriptor(OwnedDescriptor(takingOver: STDOUT_FILENO))
    }

    /// A file.
    package init(to file: consuming OwnedDescriptor) {
        isTerminal = false
        measure = { nil }
        sink = .descriptor(file)
    }

    /// An output into memory, for tests.
    package init(memoryAsTerminal isTerminal: Bool, _ terminal: Terminal = Terminal()) {
        self.isTerminal = isTerminal
        measure = { terminal }
        sink = .memory
    }

    /// Writes when enough has come together, and what comes first at once.
    package func flushIfDue() throws(Failure) {
        if bytes.count >= Self.byteLimit || !hasWritten && !bytes.isEmpty { try flush() }
    }

    /// Takes over what a writer put together so far, and writes when enough has come together.
    package func take(_ piece: inout [UInt8]) throws(Failure) {
        if bytes.isEmpty { swap(&bytes, &piece) } else { bytes += piece }
        piece.removeAll(keepingCapacity: true)
        try flushIfDue()
    }

    /// Writes all that is held.
    package func flush() throws(Failure) {
        guard !bytes.isEmpty else { return }
        if isTerminal { ProgressLine.erase() }
        hasWritten = true
        switch sink {
        case .memory: collected += bytes
        case .descriptor(let descriptor):
            do throws(SyscallError) {
                try descriptor.write(bytes)
            } catch {
                // What could not be written is dropped, so that nothing tries again.
                bytes.removeAll()
                throw error.errno == EPIPE ? .closed : .system(error)
            }
        }
        bytes.removeAll(keepingCapacity: true)
    }
}

extension AnswerOutput {
    /// Finds out that the reader of a pipe has gone, although nothing is to be written.
    package func checkReader() throws(Failure) {
        switch sink {
        case .memory: return
        case .descriptor(let descriptor):
            var entry = pollfd(fd: descriptor.fileDescriptor, events: 0, revents: 0)
            // SAFETY: the entry is a local that outlives the call.
            guard unsafe poll(&entry, 1, 0) > 0 else { return }
            if entry.revents & Int16(POLLERR | POLLNVAL) != 0 { throw .closed }
        }
    }
}

/// Remarks for whoever started the program: one line each on the standard error output.
///
/// Thread: one.
package final class Messages {
    private let isCollecting: Bool
    /// The remarks so far, for tests.
    package private(set) var collected: [String] = []

    package init(collecting: Bool = false) {
        isCollecting = collecting
    }

    /// Writes `varve: TEXT`. Bytes that came from outside must have been escaped.
    package func say(_ text: String) {
        guard !isCollecting else {
            collected.append(text)
            return
        }
        Failures.print("varve: \(text)\n", to: STDERR_FILENO)
    }

    /// The same of something that is missing, which a terminal with colours shows.
    package func warn(_ text: String) {
        guard !isCollecting, let terminal = Terminal(at: STDERR_FILENO), terminal.hasColors else { return say(text) }
        Failures.print("varve: \(text)", to: STDERR_FILENO, .warning, on: terminal)
    }
}
