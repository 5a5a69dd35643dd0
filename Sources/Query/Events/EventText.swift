internal import Block
internal import Model

extension EventView {
    /// The path as `TerminalText` writes it, `?/NAME` where its directory is not known; nil where the event has none.
    func pathText(_ dictionaries: EventDictionaries?) -> [UInt8]? {
        Self.text(dictionaries?.path(path), isNameOnly: flags.contains(.nameOnly))
    }

    /// The same of the new name of a rename.
    func targetText(_ dictionaries: EventDictionaries?) -> [UInt8]? {
        Self.text(dictionaries?.path(target), isNameOnly: flags.contains(.targetNameOnly))
    }

    private static func text(_ path: [UInt8]?, isNameOnly: Bool) -> [UInt8]? {
        guard let path else { return nil }
        var text: [UInt8] = isNameOnly ? Array("?/".utf8) : []
        TerminalText.append(path, to: &text)
        return text
    }

    /// One line for people: `Renamed /a to /b by sh[12]`; bytes are written as `TerminalText` does.
    func sentence(_ activity: FileActivity, _ dictionaries: EventDictionaries?) -> [UInt8] {
        var text: [UInt8] = []
        text.append(text: activity.pastTense)
        text.append(text: " ")
        let path = pathText(dictionaries)
        let target = targetText(dictionaries)
        if let first = path ?? target {
            text += first
        } else {
            text.append(text: "a file without a known name")
        }
        if activity == .rename, path != nil, let target {
            text.append(text: " to ")
            text += target
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
        if let name { TerminalText.append(name, to: &text) } else { text.append(text: "?") }
        text.append(text: "[")
        text.append(decimal: pid)
        text.append(text: "]")
        return text
    }
}

extension Gap {
    /// One line for people: `Recording gap: queue_overflow, 12 events, /srv: CAUSE`; escaped as `TerminalText` does.
    var sentence: [UInt8] {
        var text: [UInt8] = []
        text.append(text: "Recording gap: ")
        text.append(string: kind.rawValue)
        appendParticulars(to: &text)
        return text
    }

    /// What is known of it beside kind and times: `, 12 events, /srv: CAUSE`.
    func appendParticulars(to text: inout [UInt8]) {
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
    }
}
