/// What the recorder knows about the quality of one event's fields.
@usableFromInline
package struct EventFlags: OptionSet, Hashable, Sendable {
    @usableFromInline package var rawValue: UInt8

    @inlinable
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A rename lay between the event and the resolution of its directory.
    @inlinable package static var uncertainPath: EventFlags { EventFlags(rawValue: 1 << 0) }
    /// Reuse of the pid could not be ruled out, so no name was borrowed.
    @inlinable package static var uncertainProcess: EventFlags { EventFlags(rawValue: 1 << 1) }
    /// The record's place among others of its window is not known.
    @inlinable package static var uncertainOrder: EventFlags { EventFlags(rawValue: 1 << 2) }
    /// Found by a scan, not reported by the kernel.
    @inlinable package static var scanned: EventFlags { EventFlags(rawValue: 1 << 3) }
    /// The directory could not be named: `path` holds only the last name.
    @inlinable package static var nameOnly: EventFlags { EventFlags(rawValue: 1 << 4) }
    /// The same of the rename target.
    @inlinable package static var targetNameOnly: EventFlags { EventFlags(rawValue: 1 << 5) }
    /// The kernel joined operations from before and after an exec: the later ones may be those of another program, which
    /// is the event's last process.
    @inlinable package static var spansExec: EventFlags { EventFlags(rawValue: 1 << 6) }

    /// The directory of the path or of the target could not be named.
    package var isNameOnly: Bool { !isDisjoint(with: [.nameOnly, .targetNameOnly]) }
}
