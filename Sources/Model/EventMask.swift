/// What happened in one event record: the low 32 bits of `fanotify_event_metadata.mask`, unchanged.
///
/// Source: fanotify(7), `linux/fanotify.h`. The kernel may add bits; unknown ones are kept, never rejected.
@usableFromInline
package struct EventMask: OptionSet, Hashable, Sendable {
    @usableFromInline package var rawValue: UInt32

    @inlinable
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    // Computed and inlinable, so that a test for a bit costs what it does in C: it is made for every record.

    @inlinable package static var access: EventMask { EventMask(rawValue: 0x0000_0001) }
    @inlinable package static var modify: EventMask { EventMask(rawValue: 0x0000_0002) }
    @inlinable package static var attrib: EventMask { EventMask(rawValue: 0x0000_0004) }
    @inlinable package static var closeWrite: EventMask { EventMask(rawValue: 0x0000_0008) }
    @inlinable package static var closeNoWrite: EventMask { EventMask(rawValue: 0x0000_0010) }
    @inlinable package static var open: EventMask { EventMask(rawValue: 0x0000_0020) }
    @inlinable package static var create: EventMask { EventMask(rawValue: 0x0000_0100) }
    @inlinable package static var delete: EventMask { EventMask(rawValue: 0x0000_0200) }
    @inlinable package static var deleteSelf: EventMask { EventMask(rawValue: 0x0000_0400) }
    @inlinable package static var moveSelf: EventMask { EventMask(rawValue: 0x0000_0800) }
    @inlinable package static var openExec: EventMask { EventMask(rawValue: 0x0000_1000) }
    @inlinable package static var queueOverflow: EventMask { EventMask(rawValue: 0x0000_4000) }
    @inlinable package static var filesystemError: EventMask { EventMask(rawValue: 0x0000_8000) }
    @inlinable package static var rename: EventMask { EventMask(rawValue: 0x1000_0000) }
    /// The object is a directory. In a mark it asks for events on directories.
    @inlinable package static var onDirectory: EventMask { EventMask(rawValue: 0x4000_0000) }

    // What OptionSet would give by way of its protocols, in one instruction: these are asked for every record.

    @inlinable package func contains(_ members: EventMask) -> Bool { rawValue & members.rawValue == members.rawValue }
    @inlinable package func isDisjoint(with other: EventMask) -> Bool { rawValue & other.rawValue == 0 }
    @inlinable package func intersection(_ other: EventMask) -> EventMask {
        EventMask(rawValue: rawValue & other.rawValue)
    }
    @inlinable package func union(_ other: EventMask) -> EventMask { EventMask(rawValue: rawValue | other.rawValue) }
    @inlinable package var isEmpty: Bool { rawValue == 0 }

    /// The bits that name an operation.
    @inlinable package static var operations: EventMask { EventMask(rawValue: 0x1000_9F3F) }

    /// More than one operation was joined in one record: the kernel merged events, so their order is not known.
    @inlinable package var isMerged: Bool {
        intersection(.operations).rawValue.nonzeroBitCount > 1
    }
}

/// One kind of operation, by the name the command line and the exports give it.
package enum Operation: String, CaseIterable, Sendable {
    case access
    case open
    case exec
    case create
    case modify
    case attrib
    case close
    case closeWrite = "close_write"
    case delete
    case deleteSelf = "delete_self"
    case rename
    case moveSelf = "move_self"
    case filesystemError = "fs_error"

    /// The one bit of the event mask that stands for this operation.
    package var mask: EventMask {
        switch self {
        case .access: .access
        case .open: .open
        case .exec: .openExec
        case .create: .create
        case .modify: .modify
        case .attrib: .attrib
        case .close: .closeNoWrite
        case .closeWrite: .closeWrite
        case .delete: .delete
        case .deleteSelf: .deleteSelf
        case .rename: .rename
        case .moveSelf: .moveSelf
        case .filesystemError: .filesystemError
        }
    }

    /// What is recorded when `--ops` is not given: every change, no mere reading.
    package static var recordedByDefault: EventMask {
        [.create, .delete, .rename, .modify, .closeWrite, .attrib, .openExec, .filesystemError]
    }

    /// Reads a list such as `create,modify` or `all`.
    ///
    /// Throws: `UnknownOperation` naming the first word that is none.
    package static func parseList(_ text: String) throws(UnknownOperation) -> EventMask {
        var mask = EventMask()
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            if word == "all" {
                mask.formUnion(.operations)
            } else if let operation = Operation(rawValue: String(word)) {
                mask.formUnion(operation.mask)
            } else {
                throw UnknownOperation(word: String(word))
            }
        }
        return mask
    }
}

/// A word that names no operation.
package struct UnknownOperation: Error, CustomStringConvertible {
    package var word: String

    package var description: String {
        "unknown operation '\(word)'; known are \(Operation.allCases.map(\.rawValue).joined(separator: ", ")), all"
    }
}
