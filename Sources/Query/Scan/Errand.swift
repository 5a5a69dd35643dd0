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
        if !isSmall {
            let box = box
            // At the limit of threads it is done here.
            thread = try? OSThread(name: "scan") {
                let result = work()
                box.result.withLock { $0 = result }
            }
            if thread != nil { return }
        }
        let result = work()
        box.result.withLock { $0 = result }
    }

    /// Waits for the result.
    func result() -> Result {
        thread.take()?.join()
        guard let result = box.result.withLock({ $0 }) else { preconditionFailure("its thread has ended") }
        return result
    }
}
