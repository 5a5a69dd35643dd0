package import Syscalls

/// Waits in real time, with keys where both input and output are a terminal.
package struct TerminalWaiting: ReplayWaiting {
    /// The terminal goes back to what it was with the last copy.
    private final class Keyboard {
        let terminal: RawTerminal

        init(_ terminal: consuming RawTerminal) {
            self.terminal = terminal
        }
    }

    private let keyboard: Keyboard?
    /// How often is looked whether anybody still reads.
    private static let sliceNanoseconds: Int64 = 200_000_000

    /// Parameter output: where the events go; without a terminal there nobody could see what a key did.
    package init(_ output: AnswerOutput) throws(SyscallError) {
        guard output.isTerminal, let terminal = try RawTerminal() else {
            keyboard = nil
            return
        }
        keyboard = Keyboard(terminal)
    }

    package var hasKeys: Bool { keyboard != nil }

    package func now() -> Int64 { Clock.monotonic() }

    package func wait(nanoseconds: Int64?, _ output: AnswerOutput) throws -> ReplayPace.Key? {
        let start = now()
        while true {
            let rest = nanoseconds.map { $0 &- (now() &- start) } ?? .max
            guard rest > 0 || nanoseconds == 0 else { return nil }
            var set = PollSet(reading: [keyboard?.terminal.fileDescriptor ?? -1])
            try set.wait(timeoutNanoseconds: max(0, min(rest, Self.sliceNanoseconds)))
            try output.checkReader()
            if set.isReady(at: 0), let keyboard {
                // A terminal that ends its input is gone.
                guard let byte = try keyboard.terminal.next() else { return .quit }
                if let key = ReplayPace.Key(byte) { return key }
            } else if nanoseconds == 0 {
                return nil
            }
        }
    }
}
