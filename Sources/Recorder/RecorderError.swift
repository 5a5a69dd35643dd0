/// Why recording could not begin, in words for the person who asked: what failed, on what, and the remedy.
package struct RecorderError: Error, CustomStringConvertible {
    /// The exit codes of `varved`, beside 0 and the status of COMMAND.
    package enum Code: Int32, Sendable {
        case usage = 2
        /// Nothing of what was asked can be marked.
        case unavailable = 69
        case storeCannotBeMade = 73
        case storeIsHeld = 75
        case noPrivilege = 77
        /// As a shell says it.
        case commandNotStarted = 127
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
