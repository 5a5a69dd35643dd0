internal import CLinux
internal import Glibc
internal import Synchronization

/// The controlling terminal at the standard input, giving each key at once and without an echo, until this value's life
/// ends. termios(3).
///
/// A signal that ends or stops the process puts the terminal back first; signals of the keyboard keep their meaning.
/// Thread: made by the first, before any other, for it takes signals over (`SignalDescriptor`).
package struct RawTerminal: ~Copyable, Sendable {
    private let guardian: TerminalGuardian

    /// Nil where the standard input is no terminal, or that of another job: a job in the background would be stopped.
    package init?() throws(SyscallError) {
        var settings = termios()
        // SAFETY: the C library writes the variable lent to it.
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0, tcgetpgrp(STDIN_FILENO) == getpgrp() else { return nil }
        let guardian = TerminalGuardian(
            settings, try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]))
        // Detached at the end of this scope: it dies with the process.
        _ = try OSThread(name: "terminal") { guardian.watch() }
        guardian.setRaw(true)
        self.guardian = guardian
    }

    deinit {
        guardian.setRaw(false)
    }

    package var fileDescriptor: Int32 { STDIN_FILENO }

    /// The next byte of the keyboard, nil at the end of input. Blocks until there is one.
    package borrowing func next() throws(SyscallError) -> UInt8? {
        var byte: UInt8 = 0
        // SAFETY: the kernel writes at most one byte into the variable lent to it.
        let result = retryingOnInterrupt { unsafe read(STDIN_FILENO, &byte, 1) }
        if result < 0 { throw SyscallError(call: "read", errno: Int32(truncatingIfNeeded: -result)) }
        return result == 1 ? byte : nil
    }
}

/// Knows the terminal's settings as they were and puts them back before a signal takes effect.
private final class TerminalGuardian: Sendable {
    private let original: termios
    private let signals: SignalDescriptor
    private let isRaw = Mutex(false)

    init(_ original: termios, _ signals: consuming SignalDescriptor) {
        self.original = original
        self.signals = signals
    }

    func setRaw(_ isWanted: Bool) {
        isRaw.withLock { isRaw in
            guard isRaw != isWanted else { return }
            isRaw = isWanted
            apply(isWanted)
        }
    }

    /// Lets each signal have its usual effect, with the terminal as it was. Never returns but for a failure.
    func watch() {
        while true {
            guard PollSet.waitForOne(signals.fileDescriptor, timeoutNanoseconds: nil) >= 0 || errno == EINTR else {
                return
            }
            guard let signal = try? signals.next() else { continue }
            isRaw.withLock { isRaw in
                if isRaw { apply(false) }
                // SIGTSTP is blocked, so the process stops by the signal that nothing can block. It is sent to this thread:
                // sent to the process, another thread might take it while this one goes on and makes the terminal raw.
                if signal == SIGTSTP {
                    raise(SIGSTOP)
                } else {
                    end(by: signal)
                }
                if isRaw { apply(true) }
            }
        }
    }

    private func end(by signal: Int32) {
        var set = sigset_t()
        // SAFETY: the C library writes and reads the set lent to it; the old mask is not asked for.
        _ = unsafe sigemptyset(&set)
        _ = unsafe sigaddset(&set, signal)
        _ = Glibc.signal(signal, SIG_DFL)
        _ = unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(signal)
    }

    private func apply(_ isRaw: Bool) {
        var settings = original
        if isRaw {
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
            // VTIME and VMIN, termios(3): a read gives one byte as soon as there is one.
            settings.c_cc.5 = 0
            settings.c_cc.6 = 1
        }
        // SAFETY: the C library reads the variable lent to it. Nothing is left to do where the terminal is gone.
        _ = unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
    }
}
