import DequeModule
import Syscalls

/// One life of a pid: from the fork that gave it out to the end of the process.
///
/// Moments are nanoseconds of CLOCK_MONOTONIC.
struct ProcessLife {
    /// Unique in a run, from 1.
    var serial: UInt64
    var pid: Int32
    /// When it was forked; `Int64.min` when it was there before the messages began.
    var began: Int64
    /// The life that forked it, 0 where that is not known.
    var parent: UInt64 = 0
    /// 0 where it is not known.
    var parentPID: Int32 = 0
    /// When it ran another program, the last `maximumExecCount` times.
    var execs: [Int64] = []
    var ended: Int64?
    /// As wait(2) gives it.
    var status: Int32?
    /// The ids it was given since it began.
    var userIDs = IDChanges()
    var groupIDs = IDChanges()
    /// Its number in the store, 0 while it has none.
    var instance: UInt64 = 0
    /// The life of this pid before, 0 where none is known.
    var previous: UInt64 = 0

    static let maximumExecCount = 16
}

/// The lives of all pids, as the process connector tells them.
///
/// A pid names nobody: a life does. Each fork message begins one, whatever was heard of the pid before; an exit message
/// ends it. Which life an event belongs to follows from when it can have happened, never from what the pid is now.
///
/// Bounded: `maximumEndedCount` ended lives are remembered, the oldest go first.
struct ProcessLives {
    static let maximumEndedCount = 16_384
    /// More living processes than this are not followed.
    static let maximumCount = 131_072

    enum Finding {
        /// The only one that can have done it; whether the pid was not given out again since, as far as has been heard.
        case life(ProcessLife, isNewest: Bool)
        /// The pid was given out again between the ends of the window: all that had it then, newest first.
        case several([ProcessLife])
        /// Too long ago, or messages were lost.
        case unknown
    }

    private var lives: [UInt64: ProcessLife] = [:]
    private var newest: [Int32: UInt64] = [:]
    private var ended: Deque<UInt64> = []
    private var nextSerial: UInt64 = 1
    /// Lives that ended up to here may have been forgotten, and nothing is known of the time before.
    private(set) var knownSince: Int64

    init(knownSince: Int64) {
        self.knownSince = knownSince
    }

    var count: Int { lives.count }
    var isFull: Bool { lives.count >= Self.maximumCount }

    subscript(serial: UInt64) -> ProcessLife? { lives[serial] }

    /// The life that has the pid now, as far as has been heard.
    func newest(of pid: Int32) -> ProcessLife? { newest[pid].flatMap { lives[$0] } }

    /// Messages were lost: nothing that was known holds any more.
    mutating func forgetAll(at moment: Int64) {
        lives.removeAll(keepingCapacity: true)
        newest.removeAll(keepingCapacity: true)
        ended.removeAll()
        knownSince = moment
    }

    mutating func apply(_ notice: ProcessNotice) {
        switch notice.kind {
        case .fork(let parentPID):
            let parent = parentPID > 0 ? newest(of: parentPID)?.serial ?? begin(parentPID, at: .min).serial : 0
            if let before = newest[notice.pid], lives[before]?.ended == nil {
                // Its end was not heard of, but the pid is free again.
                end(before, at: notice.moment, status: nil)
            }
            var life = begin(notice.pid, at: notice.moment)
            life.parent = parent
            life.parentPID = parentPID
            lives[life.serial] = life
        case .exec:
            update(notice.pid) { life in
                if life.execs.count == ProcessLife.maximumExecCount { life.execs.removeFirst() }
                life.execs.append(notice.moment)
            }
        case .exit(let status):
            let serial = newest(of: notice.pid)?.serial ?? begin(notice.pid, at: .min).serial
            if lives[serial]?.ended == nil { end(serial, at: notice.moment, status: status) }
        case .userIDs(let real, let effective):
            update(notice.pid) { $0.userIDs.add(.init(real: real, effective: effective), at: notice.moment) }
        case .groupIDs(let real, let effective):
            update(notice.pid) { $0.groupIDs.add(.init(real: real, effective: effective), at: notice.moment) }
        case .acknowledged:
            break
        }
    }

    /// Whose life an event of `pid` between the two moments, both included, belongs to.
    ///
    /// All messages up to `to` must have been applied. A pid that was never heard of belongs to a process that was there
    /// before; it gets a life here.
    /// Parameter earliest: a life that an event before this one belongs to, 0 for none: those before it are past.
    mutating func find(_ pid: Int32, from: Int64, to: Int64, notBefore earliest: UInt64 = 0) -> Finding {
        guard from >= knownSince else { return .unknown }
        let newestSerial = newest[pid] ?? 0
        guard newestSerial != 0 else { return .life(begin(pid, at: .min), isNewest: true) }
        var found: ProcessLife?
        var others: [ProcessLife] = []
        var last: ProcessLife?
        var serial = newestSerial
        while serial >= earliest, let life = lives[serial] {
            if life.began <= to {
                last = last ?? life
                if life.ended ?? .max >= from {
                    if found == nil { found = life } else { others.append(life) }
                }
            }
            // Those before had ended by then.
            if life.began < from { break }
            serial = life.previous
        }
        if let found, !others.isEmpty { return .several([found] + others) }
        // Threads may outlive the first one, whose end is the one that is told; the pid is not free before they are gone.
        guard let life = found ?? last else { return .unknown }
        return .life(life, isNewest: life.serial == newestSerial)
    }

    mutating func setInstance(_ instance: UInt64, of serial: UInt64) {
        lives[serial]?.instance = instance
    }

    private mutating func begin(_ pid: Int32, at moment: Int64) -> ProcessLife {
        let life = ProcessLife(serial: nextSerial, pid: pid, began: moment, previous: newest[pid] ?? 0)
        nextSerial += 1
        lives[life.serial] = life
        newest[pid] = life.serial
        return life
    }

    private mutating func update(_ pid: Int32, _ change: (inout ProcessLife) -> Void) {
        let serial = newest(of: pid)?.serial ?? begin(pid, at: .min).serial
        if var life = lives[serial] {
            change(&life)
            lives[serial] = life
        }
    }

    private mutating func end(_ serial: UInt64, at moment: Int64, status: Int32?) {
        lives[serial]?.ended = moment
        lives[serial]?.status = status
        ended.append(serial)
        guard ended.count > Self.maximumEndedCount, let oldest = ended.popFirst(),
            let life = lives.removeValue(forKey: oldest)
        else { return }
        if newest[life.pid] == oldest { newest[life.pid] = nil }
        knownSince = max(knownSince, life.ended ?? knownSince)
    }
}
