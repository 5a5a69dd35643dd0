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

extension EventView {
    /// One line for people: `Renamed /a to /b by sh[12]`; bytes are written as `TerminalText` does.
    func sentence(_ activity: FileActivity, _ dictionaries: EventDictionaries?) -> [UInt8] {
        var text: [UInt8] = []
        text.append(text: activity.pastTense)
        text.append(text: " ")
        let path = dictionaries?.path(path)
        let target = dictionaries?.path(target)
        if let first = path ?? target {
            TerminalText.append(first, to: &text)
        } else {
            text.append(text: "a file without a known name")
        }
        if activity == .rename, path != nil, let target {
            text.append(text: " to ")
            TerminalText.append(target, to: &text)
        }
        if let process = dictionaries?.process(process) {
            text.append(text: " by ")
            text.append(contentsOf: process.label)
        }
        return text
    }
}

extension ActorProcess {
    /// `sh[12]`: its name, or its program's, and its number; escaped as `TerminalText` does.
    var label: [UInt8] {
        var text: [UInt8] = []
        if let name = shortName { TerminalText.append(name, to: &text) } else { text.append(text: "?") }
        text.append(text: "[")
        text.append(decimal: pid)
        text.append(text: "]")
        return text
    }

    /// Its name, or where that is not known its program's last name.
    var shortName: [UInt8]? { comm?.bytes ?? exe.map { RawPath.lastName(of: $0.bytes) } }
}

extension RawPath {
    /// What follows the last slash; the path itself where nothing does.
    static func lastName(of path: [UInt8]) -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash + 1 < path.count else { return path }
        return Array(path[(slash + 1)...])
    }
}

extension Gap {
    /// One line for people: `Recording gap: queue_overflow, 12 events, /srv: CAUSE`; escaped as `TerminalText` does.
    var sentence: [UInt8] {
        var text: [UInt8] = []
        text.append(text: "Recording gap: ")
        text.append(string: kind.rawValue)
        if let count {
            text.append(text: ", ")
            text.append(decimal: count)
            text.append(text: " events")
        }
        if let scope {
            text.append(text: ", ")
            TerminalText.append(scope.bytes, to: &text)
        }
        if !cause.isEmpty {
            text.append(text: ": ")
            TerminalText.append(Array(cause.utf8), to: &text)
        }
        return text
    }
}
