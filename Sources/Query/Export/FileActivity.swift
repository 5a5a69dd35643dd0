internal import Block
internal import Model

/// What was done with a file, as timelines have it: one record of theirs for each. A merged mask is several.
///
/// Source: OCSF 1.8, File System Activity, activity_id; the MACB letters of mactime(1).
enum FileActivity: CaseIterable {
    case create
    case read
    case update
    case delete
    case rename
    case setAttributes
    case open
    case execute
    case close
    case filesystemError

    /// The operations that it stands for.
    var operations: EventMask {
        switch self {
        case .create: .create
        case .read: .access
        case .update: [.modify, .closeWrite]
        case .delete: [.delete, .deleteSelf]
        case .rename: [.rename, .moveSelf]
        case .setAttributes: .attrib
        case .open: .open
        case .execute: .openExec
        case .close: .closeNoWrite
        case .filesystemError: .filesystemError
        }
    }

    /// Those that a mask holds, in the order of `allCases`.
    static func all(in mask: EventMask) -> [FileActivity] {
        allCases.filter { !mask.isDisjoint(with: $0.operations) }
    }

    /// `Created /a`: the beginning of a sentence.
    var pastTense: StaticString {
        switch self {
        case .create: "Created"
        case .read: "Read"
        case .update: "Modified"
        case .delete: "Deleted"
        case .rename: "Renamed"
        case .setAttributes: "Changed attributes of"
        case .open: "Opened"
        case .execute: "Executed"
        case .close: "Closed"
        case .filesystemError: "Filesystem error at"
        }
    }
}
