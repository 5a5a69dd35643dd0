internal import Synchronization
internal import Syscalls

/// A piece of work that a thread of its own does while its owner goes on; the owner comes for the result.
///
/// Whoever gives an errand up lets its thread end by itself. A piece of work takes milliseconds, so a thread for each costs
/// nothing beside it, and no thread waits for work. Thread: one for the owner.
final class Errand<Result: Sendable> {
    private let box = Box()
    private var thread: OSThread?

    private final class Box: Sendable {
        let result = Mutex<Result?>(nil)
    }

    /// Parameter isSmall: the work is done here and now, since it takes no longer than to start a thread.
    init(isSmall: Bool, _ work: @escaping @Sendable () -> Result) {
        // At the limit of threads it is done here.
        guard isSmall || !start(work) else { return }
        let result = work()
        box.result.withLock { $0 = result }
    }

    /// The work is done on another thread, or not at all: nil at the limit of threads.
    init?(_ work: @escaping @Sendable () -> Result) {
        guard start(work) else { return nil }
    }

    private func start(_ work: @escaping @Sendable () -> Result) -> Bool {
        let box = box
        thread = try? OSThread(name: "scan") {
            let result = work()
            box.result.withLock { $0 = result }
        }
        return thread != nil
    }

    /// Waits for the result.
    func result() -> Result {
        thread.take()?.join()
        guard let result = box.result.withLock({ $0 }) else { preconditionFailure("its thread has ended") }
        return result
    }
}
