/// What the recorder knows about the quality of one event's fields.
package struct EventFlags: OptionSet, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A rename lay between the event and the resolution of its directory.
    package static let uncertainPath = EventFlags(rawValue: 1 << 0)
    /// Reuse of the pid could not be ruled out, so no name was borrowed.
    package static let uncertainProcess = EventFlags(rawValue: 1 << 1)
    /// The record's place among others of its window is not known.
    package static let uncertainOrder = EventFlags(rawValue: 1 << 2)
    /// Found by a scan, not reported by the kernel.
    package static let scanned = EventFlags(rawValue: 1 << 3)
    /// The directory could not be named: `path` holds only the last name.
    package static let nameOnly = EventFlags(rawValue: 1 << 4)
    /// The same of the rename target.
    package static let targetNameOnly = EventFlags(rawValue: 1 << 5)
}
