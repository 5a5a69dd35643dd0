import Model
import Synchronization

/// What the thread that archives tells the others. Thread: any.
final class ArchiveStatus: Sendable {
    struct Snapshot: Sendable {
        /// One of the words that `status` shows.
        var condition = "starting"
        var generation: UInt64?
        /// Everything that was committed before is in the archive.
        var until: Instant?
        var failure: String?
    }

    private struct State {
        var snapshot = Snapshot()
        var remarks: [String] = []
    }

    private let state = Mutex(State())
    private static let maximumRemarkCount = 64

    var snapshot: Snapshot { state.withLock { $0.snapshot } }

    func update(_ change: (inout Snapshot) -> Void) {
        state.withLock { change(&$0.snapshot) }
    }

    /// For the timeline of the store.
    func remark(_ remark: ArchiveRemark) {
        state.withLock { if $0.remarks.count < Self.maximumRemarkCount { $0.remarks.append(remark.text) } }
    }

    /// The store is about to be closed: whether the last commits get into the archive, only the next start can tell.
    func remarkEnd() {
        let last = snapshot
        if last.condition == "waiting", let failure = last.failure { remark(.endsWaiting(because: failure)) }
    }

    func takeRemarks() -> [String] {
        state.withLock { state in
            let remarks = state.remarks
            state.remarks = []
            return remarks
        }
    }

    /// Gives back what could not be stored yet.
    func giveBack(_ remarks: [String]) {
        state.withLock { $0.remarks = Array((remarks + $0.remarks).prefix(Self.maximumRemarkCount)) }
    }
}
