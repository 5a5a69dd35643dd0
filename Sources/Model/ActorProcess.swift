/// Where a fact about a process was learned.
package enum FactSource: UInt8, CaseIterable, Sendable {
    /// `/proc/PID`, read while the process lived.
    case proc = 1
    /// An exec event of the same notification group, in queue order.
    case exec = 2
    /// Taken over from the parent of a process that never ran exec.
    case inherited = 3
    /// Only what the event record itself carries (the pid).
    case event = 4

    package var name: String {
        switch self {
        case .proc: "proc"
        case .exec: "exec"
        case .inherited: "inherited"
        case .event: "event"
        }
    }
}

/// A process instance with one image: who did it. An exec makes a new value with the same `instance`.
///
/// Every field that is not known is nil; nothing is guessed.
package struct ActorProcess: Hashable, Sendable {
    /// Unique in a store, given when the process is first seen; pid and times are its evidence, not its key.
    package var instance: UInt64
    /// As the recorder's pid namespace numbers it; 0 when the process is outside that namespace.
    package var pid: Int32
    package var firstSeen: Instant
    /// When the kernel started it (boot time + field 22 of `/proc/PID/stat`, clock-tick resolution).
    package var start: Instant?
    package var parentPID: Int32?
    package var uid: UInt32?
    package var gid: UInt32?
    package var loginUID: UInt32?
    package var exe: RawPath?
    package var script: RawPath?
    package var comm: RawPath?
    /// Arguments separated by single spaces, at most `maximumCommandLineByteCount` bytes.
    package var commandLine: RawPath?
    package var container: RawPath?
    /// Source of `exe` (and `script`).
    package var exeSource: FactSource?
    /// Source of the other fields.
    package var detailSource: FactSource?

    package static let maximumCommandLineByteCount = 4_096

    package init(instance: UInt64, pid: Int32, firstSeen: Instant) {
        self.instance = instance
        self.pid = pid
        self.firstSeen = firstSeen
    }
}

/// What was learned about a process after the events it is named in were written.
package struct ProcessFact: Hashable, Sendable {
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// The process was gone when it was looked at; `moment` is when that was seen, so it ended before.
        case exitSeen = 1
    }

    package var instance: UInt64
    package var kind: Kind
    package var moment: Instant

    package init(instance: UInt64, kind: Kind, moment: Instant) {
        self.instance = instance
        self.kind = kind
        self.moment = moment
    }
}
