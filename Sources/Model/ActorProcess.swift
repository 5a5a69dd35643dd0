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
    /// The process connector, which tells of forks and ends.
    case connector = 5

    package var name: String {
        switch self {
        case .proc: "proc"
        case .exec: "exec"
        case .inherited: "inherited"
        case .event: "event"
        case .connector: "connector"
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
    /// The parent's `instance`: the process that forked it, or where that is not known, its parent when it was looked at.
    package var parentInstance: UInt64?
    /// Whose rights it uses.
    package var uid: UInt32?
    package var gid: UInt32?
    /// Who started it; they differ from the ones above in set-user-id programs.
    package var realUID: UInt32?
    package var realGID: UInt32?
    package var loginUID: UInt32?
    /// The audit session of the login, /proc/PID/sessionid.
    package var auditSession: UInt32?
    /// Device number of the controlling terminal, as field 7 of /proc/PID/stat encodes it.
    package var terminal: UInt32?
    package var exe: RawPath?
    package var script: RawPath?
    package var comm: RawPath?
    /// Arguments separated by single spaces, at most `maximumCommandLineByteCount` bytes.
    package var commandLine: RawPath?
    package var container: RawPath?
    /// Path of the control group below the root of its hierarchy.
    package var controlGroup: RawPath?
    /// Source of `exe` (and `script`).
    package var exeSource: FactSource?
    /// Source of the other fields, unless one of those below says otherwise.
    package var detailSource: FactSource?
    /// Source of `start`, `parentPID` and `parentInstance`; nil: `detailSource`.
    package var parentSource: FactSource?
    /// Source of the ids, the session, the terminal, the control group and the container; nil: `detailSource`.
    package var identitySource: FactSource?

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
        /// It ended at `moment`, with `status`.
        case exited = 2
    }

    package var instance: UInt64
    package var kind: Kind
    package var moment: Instant
    /// Of `exited`, as wait(2) gives it; 0 of others.
    package var status: UInt32

    package init(instance: UInt64, kind: Kind, moment: Instant, status: UInt32 = 0) {
        self.instance = instance
        self.kind = kind
        self.moment = moment
        self.status = status
    }
}
