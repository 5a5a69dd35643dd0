private import Glibc
internal import Synchronization
internal import Syscalls

/// A line that says how far a long answer is, on standard error where that is a terminal.
///
/// It is shown from the first second on, renewed four times a second, and takes itself away. Thread: one.
package final class ProgressLine {
    private static let delay: Int64 = 1_000_000_000
    private static let interval: Int64 = 250_000_000
    /// Whether a line stands on the terminal of this process, which it has only one of.
    private static let isOnTerminal = Atomic(false)

    private let now: () -> Int64
    private let write: ([UInt8]) -> Void
    private var due: Int64
    private var isShown = false

    /// On standard error; nil where that is no terminal.
    package convenience init?() {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        self.init(now: Clock.monotonic) { bytes in
            guard bytes != Self.erasure else { return Self.erase() }
            Self.eraseOnInterrupt()
            Self.isOnTerminal.store(true, ordering: .relaxed)
            Self.print(bytes)
        }
    }

    deinit {
        if isShown { write(Self.erasure) }
    }

    /// Parameters: `now` gives nanoseconds of a clock that only goes forwards; `write` takes what is to be written.
    init(now: @escaping () -> Int64, write: @escaping ([UInt8]) -> Void) {
        self.now = now
        self.write = write
        due = now() + Self.delay
    }

    /// Writes the line anew when it is time. Units of `share`: the same for both numbers.
    package func update(_ share: () -> (done: UInt64, total: UInt64)) {
        let moment = now()
        guard moment >= due else { return }
        due = moment + Self.interval
        let (done, total) = share()
        isShown = true
        // In steps of a tenth of a percent; never done before the end.
        let parts = total == 0 ? 0 : min(999, Int(Double(done) / Double(total) * 1_000))
        write(Array("\r\(parts / 10).\(parts % 10) % \u{1B}[K".utf8))
    }

    /// Takes the line away, if there is one, before anything else is written to the terminal.
    package static func erase() {
        guard isOnTerminal.exchange(false, ordering: .relaxed) else { return }
        print(erasure)
    }

    /// Where Ctrl-C would just end the process, lets it take the line away first, with the `^C` that the terminal wrote behind
    /// it.
    private static func eraseOnInterrupt() {
        var action = sigaction()
        // SAFETY: both calls only read and write the local lent to them.
        guard unsafe sigaction(SIGINT, nil, &action) == 0, unsafe action.__sigaction_handler.sa_handler == nil else {
            return
        }
        unsafe action.__sigaction_handler.sa_handler = { _ in
            if ProgressLine.isOnTerminal.exchange(false, ordering: .relaxed) {
                // SAFETY: write(2) may be called from a handler; the bytes are constants of the program.
                _ = unsafe Glibc.write(
                    STDERR_FILENO, ProgressLine.erasureText.utf8Start, ProgressLine.erasureText.utf8CodeUnitCount)
            }
            // It is the default by now, and takes effect once this handler has returned.
            raise(SIGINT)
        }
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        _ = unsafe sigaction(SIGINT, &action, nil)
    }

    private static var erasureText: StaticString { "\r\u{1B}[K" }
    private static var erasure: [UInt8] { erasureText.withUTF8Buffer { unsafe Array($0) } }

    private static func print(_ bytes: [UInt8]) {
        let stream = OwnedDescriptor(takingOver: STDERR_FILENO)
        // Nothing is lost where it cannot be written.
        try? stream.write(bytes)
        _ = stream.release()
    }
}
