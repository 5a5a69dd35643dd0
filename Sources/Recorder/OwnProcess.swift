import Glibc

/// This process.
enum OwnProcess {
    /// In the pid namespace the recorder runs in, as its event records show it.
    static var pid: Int32 { getpid() }

    static var realUID: UInt32 { getuid() }

    static var effectiveUID: UInt32 { geteuid() }
}

/// What the program says to its user.
package enum StandardError {
    /// Writes all of it; who cannot read it is not waited for.
    package static func write(_ text: String) {
        writeAll(text, to: STDERR_FILENO)
    }
}

/// What the program answers.
package enum StandardOutput {
    package static func write(_ text: String) {
        writeAll(text, to: STDOUT_FILENO)
    }
}

private func writeAll(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        // SAFETY: the slice's memory is lent for the call, which only reads it.
        let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
