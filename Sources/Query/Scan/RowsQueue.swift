internal import Synchronization
internal import Syscalls

/// Rows of a block, as text.
struct WrittenRows: Sendable {
    var bytes: [UInt8] = []
    var count = 0
}

/// Rows on their way from the thread that writes them to the owner of the answer, in their order.
///
/// Bounded: who is too far ahead waits. Thread: one that puts, one that takes.
final class RowsQueue: Sendable {
    /// What is held, beyond the piece that was put last.
    private static let byteLimit = 1 << 20

    private struct State {
        var rows = WrittenRows()
        var isEnded = false
        var isGivenUp = false
    }

    private let state = Mutex(State())
    private let wasPut: EventDescriptor
    private let wasTaken: EventDescriptor

    /// Throws: at the limit of descriptors.
    init() throws(SyscallError) {
        wasPut = try EventDescriptor()
        wasTaken = try EventDescriptor()
    }

    /// Whether `put` would not wait.
    var hasRoom: Bool {
        state.withLock { $0.isGivenUp || $0.rows.bytes.count < Self.byteLimit }
    }

    /// Puts rows behind the others and leaves none, once there is room; false where nobody comes for them any more.
    func put(_ rows: inout WrittenRows) -> Bool {
        while true {
            let isPut = state.withLock { state -> Bool? in
                if state.isGivenUp { return false }
                guard state.rows.bytes.count < Self.byteLimit else { return nil }
                if state.rows.bytes.isEmpty {
                    swap(&state.rows, &rows)
                } else {
                    state.rows.bytes += rows.bytes
                    state.rows.count += rows.count
                    rows.bytes.removeAll(keepingCapacity: true)
                    rows.count = 0
                }
                return true
            }
            if let isPut {
                if isPut { wasPut.signal() }
                return isPut
            }
            _ = wasTaken.wait(timeoutNanoseconds: nil)
            wasTaken.clear()
        }
    }

    /// No more rows are put.
    func end() {
        state.withLock { $0.isEnded = true }
        wasPut.signal()
    }

    /// All rows that are there, as soon as there are any; nil at the end.
    func take() -> WrittenRows? {
        while true {
            let (rows, isEnded) = state.withLock { state in
                var rows = WrittenRows()
                swap(&state.rows, &rows)
                return (rows, state.isEnded)
            }
            if rows.count > 0 {
                wasTaken.signal()
                return rows
            }
            if isEnded { return nil }
            _ = wasPut.wait(timeoutNanoseconds: nil)
            wasPut.clear()
        }
    }

    /// Nobody comes for rows any more.
    func giveUp() {
        state.withLock {
            $0.isGivenUp = true
            $0.rows = WrittenRows()
        }
        wasTaken.signal()
    }
}
