internal import CLinux
internal import Glibc
internal import Model

/// Tells a service manager how a service is, sd_notify(3): a datagram to the socket that `NOTIFY_SOCKET` names.
package enum ServiceNotification {
    /// Sends lines such as `READY=1`; false where no service manager asked for it or it does not listen.
    @discardableResult
    package static func send(_ state: String) -> Bool {
        guard let name = variable("NOTIFY_SOCKET") else { return false }
        return send(state, to: name)
    }

    /// How often `WATCHDOG=1` must be sent at least, nil where the service manager does not watch this process.
    ///
    /// Send it twice as often: the manager counts from the last one it got. sd_watchdog_enabled(3).
    package static var watchdogIntervalNanoseconds: Int64? {
        guard let text = variable("WATCHDOG_USEC"), let microseconds = Int64(text), microseconds > 0 else { return nil }
        if let pid = variable("WATCHDOG_PID"), Int32(pid) != getpid() { return nil }
        return microseconds.multipliedReportingOverflow(by: 1_000).overflow ? nil : microseconds * 1_000
    }

    static func send(_ state: String, to name: String) -> Bool {
        guard let descriptor = try? UnixSocket.make(SOCK_DGRAM, nonBlocking: true) else { return false }
        let number = descriptor.fileDescriptor
        let path = Array(name.utf8)
        let message = Array(state.utf8)
        func send(_ address: borrowing SocketAddress) -> Bool {
            // SAFETY: the message and the address are lent for the call, which only reads them.
            let result = unsafe address.withPointer { pointer, length in
                retryingOnInterrupt {
                    unsafe sendto(number, message, message.count, Int32(MSG_NOSIGNAL), pointer, length)
                }
            }
            return result == message.count
        }
        if path.first == UInt8(ascii: "@") { return send(SocketAddress(abstract: path.dropFirst())) }
        guard let address = try? SocketAddress(RawPath(path)) else { return false }
        return send(address)
    }

    private static func variable(_ name: String) -> String? {
        // SAFETY: the programs do not change their environment; the string is copied at once.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
