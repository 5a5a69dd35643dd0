/// The parts of `/proc/PID/stat` that are asked for.
package struct ProcessStat: Hashable, Sendable {
    package var parentPID: Int32
    /// `R`, `S`, `D`, `T`, `Z` …, proc(5) field 3.
    package var state: UInt8
    /// Device number of its controlling terminal, field 7; nil where it has none.
    package var terminal: UInt32?
    /// Clock ticks between boot and the start of the process, field 22; `BootClock` turns them into a moment. With the
    /// pid it tells one process from a later one, as far as the tick (10 ms) goes.
    package var startTicks: UInt64
    /// Where the name is in the buffer: at most 15 bytes, any but NUL.
    package var comm: Range<Int>

    /// Ended, but not yet waited for: name and ids are still there, program and arguments are not.
    package var isZombie: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

    /// Reads the line `PID (COMM) STATE PPID …`; nil where it is not of that form.
    ///
    /// The name may hold spaces, parentheses and newlines; everything behind it is numbers, so the last closing
    /// parenthesis is the kernel's own.
    package init?(_ line: [UInt8]) {
        guard let opening = line.firstIndex(of: UInt8(ascii: "(")), let closing = line.lastIndex(of: UInt8(ascii: ")")),
            opening < closing
        else { return nil }
        comm = opening + 1..<closing
        var fields = ByteScanner(line, from: closing + 1)
        guard let state = fields.nextWord(), state.count == 1, let letter = line[state].first,
            let parent = fields.nextNumber().flatMap({ Int32(exactly: $0) })
        else { return nil }
        self.state = letter
        parentPID = parent
        for _ in 5...6 where fields.nextWord() == nil { return nil }
        // Printed as a signed number; without a terminal it is 0.
        guard let device = fields.nextWord() else { return nil }
        terminal = ByteScanner.decimal(line[device]).flatMap { UInt32(exactly: $0) }
        if terminal == 0 { terminal = nil }
        // Fields 8 to 21, some of which can be negative.
        for _ in 8...21 where fields.nextWord() == nil { return nil }
        guard let ticks = fields.nextNumber() else { return nil }
        startTicks = ticks
    }
}

/// The ids in `/proc/PID/status`.
package struct ProcessCredentials: Hashable, Sendable {
    /// The user who started the process.
    package var realUID: UInt32
    /// Whose rights it uses.
    package var effectiveUID: UInt32
    package var realGID: UInt32
    package var effectiveGID: UInt32

    /// Finds the lines `Uid:` and `Gid:`; nil where they are missing.
    package init?(_ text: [UInt8]) {
        guard let uids = Self.ids(in: text, "\nUid:"), let gids = Self.ids(in: text, "\nGid:") else { return nil }
        (realUID, effectiveUID) = uids
        (realGID, effectiveGID) = gids
    }

    /// The kernel escapes newlines in the name on the first line, so a key after a newline is the kernel's own.
    private static func ids(in text: [UInt8], _ key: StaticString) -> (UInt32, UInt32)? {
        guard let start = ByteScanner.find(key, in: text) else { return nil }
        var words = ByteScanner(text, from: start)
        guard let real = words.nextNumber().flatMap({ UInt32(exactly: $0) }),
            let effective = words.nextNumber().flatMap({ UInt32(exactly: $0) })
        else { return nil }
        return (real, effective)
    }
}
