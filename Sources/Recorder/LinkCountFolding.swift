import Model

/// Recognises the link-count changes that the kernel reports beside a delete, a link or a replacing rename.
///
/// Such an ATTRIB record carries only the handle of the file, comes from the same process, and stands right before the
/// directory entry event (unlink) or right after it (rename over a file, unlink of an open file). It tells nothing that
/// its neighbour does not tell, and has no name of its own.
///
/// Bounded: a few records of each kind are remembered.
struct LinkCountFolding {
    private struct Seen {
        var pid: Int32
        var object: FileIdentity?
        /// The event's index in the batch, -1 where none was kept.
        var event: Int
        var isRename: Bool
    }

    private static let capacity = 16
    private var lone: [Seen] = []
    /// A ring, for each create, delete and rename comes in: once it is full, `oldestEntry` is overwritten next.
    private var entries: [Seen] = []
    private var oldestEntry = 0
    /// In place of the pid of an entry that explains nothing more.
    private static let nobody: Int32 = -1

    /// Starts over: event indices of another batch mean nothing.
    mutating func removeAll() {
        lone.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        oldestEntry = 0
    }

    /// A nameless ATTRIB record. True when a directory entry event before it explains it.
    mutating func explains(lonePID pid: Int32, object: FileIdentity?) -> Bool {
        guard !entries.isEmpty else { return false }
        for age in 1...entries.count {
            let match = (oldestEntry + entries.count - age) % entries.count
            let entry = entries[match]
            guard entry.pid == pid, entry.object == object || entry.isRename else { continue }
            // A rename replaces one file; the next nameless record is something else.
            if entry.isRename { entries[match].pid = Self.nobody }
            return true
        }
        return false
    }

    /// Remembers a nameless ATTRIB record that nothing has explained yet.
    mutating func remember(lonePID pid: Int32, object: FileIdentity?, event: Int) {
        if lone.count == Self.capacity { lone.removeFirst() }
        lone.append(Seen(pid: pid, object: object, event: event, isRename: false))
    }

    /// A directory entry event. Returns the event index of the nameless record before it that it explains; -1 where
    /// that record was not kept, nil where there was none.
    mutating func explained(byEntryOf pid: Int32, object: FileIdentity?, isRename: Bool) -> Int? {
        let entry = Seen(pid: pid, object: object, event: -1, isRename: isRename)
        if entries.count < Self.capacity {
            entries.append(entry)
        } else {
            entries[oldestEntry] = entry
            oldestEntry = (oldestEntry + 1) % Self.capacity
        }
        guard !lone.isEmpty, let match = lone.lastIndex(where: { $0.pid == pid && $0.object == object }) else {
            return nil
        }
        return lone.remove(at: match).event
    }
}
