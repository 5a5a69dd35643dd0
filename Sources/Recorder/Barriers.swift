import Synchronization

/// The numbered requests "everything up to now": *drain* answers by reading until the queue is empty, *resolve* by
/// closing its batch, *write* by committing it.
final class Barriers: Sendable {
    enum Result: Sendable, Equatable {
        case committed
        case failed(String)
    }

    private struct State: Sendable {
        /// All barriers up to this one are settled.
        var settled: UInt64 = 0
        /// The newest that could not be committed: all since `failedFrom` up to `failedTo` share its reason.
        var failedFrom: UInt64 = 0
        var failedTo: UInt64 = 0
        var reason = ""
    }

    private let requested = Atomic<UInt64>(0)
    private let state = Mutex(State())

    /// Asks for a barrier; the caller then wakes the drain.
    func request() -> UInt64 {
        requested.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
    }

    /// The newest barrier that somebody asked for.
    var newest: UInt64 { requested.load(ordering: .sequentiallyConsistent) }

    /// Called by *write*; `failure` is nil when everything up to the barrier is committed.
    func settle(_ barrier: UInt64, failure: String? = nil) {
        state.withLock {
            guard barrier > $0.settled else { return }
            if let failure {
                $0.failedFrom = $0.settled + 1
                $0.failedTo = barrier
                $0.reason = failure
            }
            $0.settled = barrier
        }
    }

    /// nil while it is open.
    func result(of barrier: UInt64) -> Result? {
        state.withLock {
            guard $0.settled >= barrier else { return nil }
            return ($0.failedFrom...max($0.failedFrom, $0.failedTo)).contains(barrier) && $0.failedTo > 0
                ? .failed($0.reason) : .committed
        }
    }
}

/// The same for the commits of watched databases: *capture* answers by a look at each database, *segments* by ending what it
/// writes, *write* by storing the rows. Without a capture each is settled at once.
final class CaptureBarriers: Sendable {
    private let barriers = Barriers()
    /// Of *capture*; nil where no database is captured.
    private let waker: Waker?

    init(waker: Waker?) {
        self.waker = waker
    }

    /// Asks for a barrier, and wakes *capture*.
    func request() -> UInt64 {
        let barrier = barriers.request()
        if let waker { waker.wake() } else { barriers.settle(barrier) }
        return barrier
    }

    /// The newest barrier that somebody asked for.
    var newest: UInt64 { barriers.newest }

    /// Called by *write*, as `Barriers.settle`.
    func settle(_ barrier: UInt64, failure: String? = nil) { barriers.settle(barrier, failure: failure) }

    /// nil while it is open.
    func result(of barrier: UInt64) -> Barriers.Result? { barriers.result(of: barrier) }
}
