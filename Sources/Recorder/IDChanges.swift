import Model

/// The user or the group ids of a process.
struct ProcessIDs: Equatable {
    /// Of whoever started it.
    var real: UInt32
    /// Whose rights it uses.
    var effective: UInt32

    init(real: UInt32, effective: UInt32) {
        self.real = real
        self.effective = effective
    }

    /// nil where they are not known.
    init?(real: UInt32?, effective: UInt32?) {
        guard let effective else { return nil }
        self.init(real: real ?? effective, effective: effective)
    }
}

/// How the ids of a process changed during its life, oldest first, as the process connector tells.
///
/// What `/proc` shows are the ids of now; an event has those of its own time. A process that gave up its rights between
/// the two is no other user for what it did before.
/// Bounded: the last `maximumCount`; of the time before them nothing is known. Moments are nanoseconds of CLOCK_MONOTONIC.
struct IDChanges {
    private struct Change {
        var ids: ProcessIDs
        var moment: Int64
    }

    static let maximumCount = 8

    private var changes: [Change] = []
    private var isCut = false

    var isEmpty: Bool { changes.isEmpty }

    /// When they changed last; `Int64.min` where they did not.
    var lastMoment: Int64 { changes.last?.moment ?? .min }

    mutating func add(_ ids: ProcessIDs, at moment: Int64) {
        if changes.count == Self.maximumCount {
            changes.removeFirst()
            isCut = true
        }
        changes.append(Change(ids: ids, moment: moment))
    }

    /// The ids that held all the time between two moments, both included; nil where they changed in between or are not
    /// known. `first` are those from before any change.
    func ids(from: Int64, to: Int64, first: ProcessIDs?) -> ProcessIDs? {
        let before = changes.last { $0.moment < from }
        let base = before?.ids ?? (isCut ? nil : first)
        return changes.contains { $0.moment >= from && $0.moment <= to && $0.ids != base } ? nil : base
    }

    /// When they changed last before a moment; `Int64.min` where they did not.
    func lastMoment(before moment: Int64) -> Int64 {
        changes.last { $0.moment < moment }?.moment ?? .min
    }
}

extension ActorProcess {
    /// nil where they are not known.
    var userIDs: ProcessIDs? {
        get { ProcessIDs(real: realUID, effective: uid) }
        set { (realUID, uid) = (newValue?.real, newValue?.effective) }
    }

    /// nil where they are not known.
    var groupIDs: ProcessIDs? {
        get { ProcessIDs(real: realGID, effective: gid) }
        set { (realGID, gid) = (newValue?.real, newValue?.effective) }
    }
}
