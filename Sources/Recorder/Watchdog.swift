import Syscalls

/// Tells the service manager that the drain loop turns: sd_notify(3) `WATCHDOG=1`.
///
/// From the loop itself and not from a timer, or a stuck loop would look alive. Thread: *drain* only.
struct Watchdog {
    /// Half of what the manager allows; nil when it does not ask.
    let intervalNanoseconds: Int64?
    private var lastPing: Int64 = 0

    init(allowedNanoseconds: Int64?) {
        intervalNanoseconds = allowedNanoseconds.map { max($0 / 2, 1) }
    }

    mutating func pingIfDue() {
        guard let intervalNanoseconds else { return }
        let now = Clock.monotonic()
        guard now &- lastPing >= intervalNanoseconds / 2 else { return }
        lastPing = now
        ServiceNotification.send("WATCHDOG=1")
    }
}
