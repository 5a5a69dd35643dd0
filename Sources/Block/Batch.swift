package import Model

/// One event as the resolver appends it: indices into the batch's dictionaries and what it is itself.
package struct BatchEvent: Sendable {
    package var window: UInt32
    package var process: ProcessIndex
    package var path: PathIndex
    package var target: PathIndex
    package var mask: EventMask
    package var flags: EventFlags
    /// The program that may have done the later operations; `absent` unless the flags say `spansExec`.
    package fileprivate(set) var lastProcess: ProcessIndex = .absent
    /// It was taken back and will not be written.
    package var isDropped: Bool
    package var hasObject: Bool
    /// Valid where `hasObject`.
    var storedObject: FileIdentity

    package var object: FileIdentity? { hasObject ? storedObject : nil }
}

/// Events being gathered for one commit, with the dictionaries they point into.
///
/// Cleared and reused: one is filled by the resolver while the writer encodes the other.
package struct Batch: Sendable {
    package var paths: PathDictionary
    package var windows: [TimeWindow]
    /// `ProcessIndex` counts in this array.
    package var processes: [ActorProcess]
    package var facts: [ProcessFact]
    private(set) var events: [BatchEvent]
    /// How many events were taken back.
    package private(set) var droppedCount: Int
    /// Some event has a last process.
    private(set) var hasLastProcesses = false

    package init() {
        paths = PathDictionary()
        windows = []
        processes = []
        facts = []
        events = []
        droppedCount = 0
    }

    /// How many events were appended, dropped ones included.
    package var count: Int { events.count }

    /// How many events would be written.
    package var keptCount: Int { events.count - droppedCount }

    /// The event at `index`, 0 ≤ index < count.
    package subscript(index: Int) -> BatchEvent { events[index] }

    /// Adds an event. Indices must be of this batch's dictionaries or `absent`; `window` never is.
    package mutating func append(
        window: UInt32, process: ProcessIndex, path: PathIndex, target: PathIndex, object: FileIdentity?,
        mask: EventMask, flags: EventFlags
    ) {
        events.append(
            BatchEvent(
                window: window, process: process, path: path, target: target, mask: mask, flags: flags,
                isDropped: false, hasObject: object != nil, storedObject: object ?? Self.noObject))
    }

    /// Takes an event back: the encoder skips it. Dropping twice is dropping once.
    package mutating func drop(at index: Int) {
        if !events[index].isDropped {
            events[index].isDropped = true
            droppedCount += 1
        }
    }

    /// Adds to an event's flags what was learned after it was appended.
    package mutating func insertFlags(_ flags: EventFlags, at index: Int) {
        events[index].flags.formUnion(flags)
    }

    /// Says that the later operations of a merged event may be those of another program.
    package mutating func setLastProcess(_ process: ProcessIndex, at index: Int) {
        events[index].lastProcess = process
        events[index].flags.insert(.spansExec)
        hasLastProcesses = true
    }

    /// Says otherwise what an event was about.
    package mutating func amend(mask: EventMask, object: FileIdentity?, at index: Int) {
        events[index].mask = mask
        events[index].hasObject = object != nil
        events[index].storedObject = object ?? Self.noObject
    }

    /// Clears everything; with `keepingCapacity` the next batch of the same size allocates nothing.
    package mutating func removeAll(keepingCapacity: Bool) {
        paths.removeAll(keepingCapacity: keepingCapacity)
        windows.removeAll(keepingCapacity: keepingCapacity)
        processes.removeAll(keepingCapacity: keepingCapacity)
        facts.removeAll(keepingCapacity: keepingCapacity)
        events.removeAll(keepingCapacity: keepingCapacity)
        droppedCount = 0
        hasLastProcesses = false
    }

    private static let noObject = FileIdentity(filesystem: FilesystemID(rawValue: 0), inode: 0, generation: 0)
}
