import Store
import Syscalls

/// Rows of captured databases.
extension WriteLoop {
    /// What cannot be written now is tried again at the next turn; whoever waits for it is told at once.
    mutating func recordCaptured() {
        let taken = shared.takeCaptured()
        captured.append(contentsOf: taken.additions)
        capturedBarrier = max(capturedBarrier, taken.barrier)
        guard !captured.isEmpty else { return settleCaptured() }
        do throws(StoreError) {
            do throws(StoreError) {
                try store.append(captured)
            } catch  where error.isConstraint {
                _ = try store.appendWhatFits(captured)
            }
        } catch {
            lastFailure = error.description
            shared.hold(captured: &captured)
            return settleCaptured(failure: error.description)
        }
        captured = Additions()
        shared.hold(captured: &captured)
        unsyncedSince = unsyncedSince ?? Clock.monotonic()
        storeChanged = true
        shared.controlWaker.wake()
        settleCaptured()
    }

    private mutating func settleCaptured(failure: String? = nil) {
        guard capturedBarrier > 0 else { return }
        if failure == nil { syncNow() }
        shared.captured.settle(capturedBarrier, failure: failure)
        capturedBarrier = 0
        shared.controlWaker.wake()
    }
}
