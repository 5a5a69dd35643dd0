import Fanotify
import Glibc
import Model
import Store
import Synchronization
import Syscalls

/// Follows the mounts of this namespace while recording: marks what belongs to the recording and was mounted since, ends
/// the coverage of what is gone, and writes down the time before a mark as a gap.
///
/// Without CAP_SYS_ADMIN nothing can be marked; then what is mounted is a gap from there on. A filesystem that is mounted
/// and gone again before it is looked at leaves no trace.
/// Thread: its own, *mounts*; where it follows, the only one that keeps CAP_SYS_ADMIN.
struct MountFollower: ~Copyable {
    /// What the recorder was asked for.
    struct Request: Sendable {
        var paths: [RawPath]
        var scope: RecorderOptions.Scope
        var operations: EventMask
        /// New filesystems are marked.
        var marks: Bool
    }

    private let request: Request
    private let group: GroupBox
    private let scopeChanges: ScopeChanges
    private let shared: WriteShared
    private let control: FollowerControl
    private var notifier: MountNotifier
    /// What is recorded, with the filesystem that was found there.
    private var covered: [MarkPlan.Target: FilesystemID] = [:]
    /// Of it, what is marked directory by directory: that there is no filesystem mark says nothing.
    private let crawled: Set<RawPath>
    /// What is marked for exec events only.
    private var served: Set<MarkPlan.Target> = []
    /// What could not be recorded: each has an open gap.
    private var refused: Set<MarkPlan.Target> = []
    /// Of that, and of what is only served, what failed for a reason that passes, such as no free descriptor: it is tried again.
    private var postponed: Set<MarkPlan.Target> = []
    /// What the plan leaves out: each has an open gap.
    private var omitted: Set<MarkPlan.Omission>
    private let seesBelowOverlays = FanotifyProbe.seesBelowOverlays()
    private var tops: Set<MarkPlan.Top>
    private var workDirectories: Set<RawPath>
    /// Every filesystem that was ever marked in this run.
    private var met: Set<FilesystemID>
    /// The mounts were surely as they are known at this moment.
    private var quietAt: Instant

    private static let lookNanoseconds: Int64 = 1_000_000_000
    private static let barrierNanoseconds: Int64 = 2_000_000_000

    /// Parameter plannedAt: a moment before the mount table was read that `plan` was made of.
    init(
        request: Request, plan: MarkPlan, plannedAt: Instant, marked: MarkedFilesystems,
        notifier: consuming MountNotifier,
        scopeChanges: ScopeChanges, shared: WriteShared, control: FollowerControl
    ) {
        self.request = request
        self.notifier = notifier
        self.scopeChanges = scopeChanges
        self.shared = shared
        self.control = control
        group = marked.group
        tops = Set(plan.tops)
        omitted = Set(plan.omissions)
        workDirectories = Set(plan.workDirectories)
        met = Set(marked.mountPoints.keys)
        crawled = Set(marked.crawled.keys)
        quietAt = plannedAt
        let found = Dictionary(
            marked.coverage.map { ($0.path, $0.filesystem) }, uniquingKeysWith: { first, _ in first })
        for target in plan.targets {
            if !target.isRecorded {
                served.insert(target)
            } else if let filesystem = found[target.mountPoint] {
                covered[target] = filesystem
            } else {
                refused.insert(target)
            }
        }
    }

    consuming func run() {
        var set = notifier.pollSet(with: control.waker)
        // What happened between the reading of the table and the first notice.
        var isLookedAt = look()
        while true {
            let before = Clock.realtime()
            _ = try? set.wait(timeoutNanoseconds: Self.lookNanoseconds)
            if control.isStopping { return }
            if set.isReady(at: 1) {
                notifier.clear()
                isLookedAt = look()
            } else if isLookedAt {
                quietAt = max(quietAt, before)
            } else {
                isLookedAt = look()
            }
        }
    }

    /// Compares the mounts with what is known of them. False where they cannot be looked at (no descriptor, no memory): it is
    /// to be tried again, and nobody knows meanwhile what was mounted.
    private mutating func look() -> Bool {
        let before = Clock.realtime()
        guard let mounts = try? MountTable.current(), let marks = try? group.group.filesystemMarks() else {
            return false
        }
        let plan = MarkPlan(
            paths: request.paths, scope: request.scope, mounts: mounts, seesBelowOverlays: seesBelowOverlays)
        var changes = CoverageChange()
        announceOverlays(plan)
        endVanished(plan, marks, &changes)
        postponed.formIntersection(plan.targets)
        for target in plan.targets where !isKnown(target) || postponed.contains(target) {
            add(target, plan, marks, &changes)
        }
        takeOmissions(of: plan, &changes)
        if !changes.isEmpty { shared.record(changes) }
        quietAt = before
        // The top of what is tried again is to be told of then.
        guard postponed.isEmpty else { return false }
        tops = Set(plan.tops)
        return true
    }

    /// What is not recorded for what it is comes and goes with its mount.
    private mutating func takeOmissions(of plan: MarkPlan, _ changes: inout CoverageChange) {
        let now = Clock.realtime()
        let current = Set(plan.omissions)
        for gone in omitted.subtracting(current) { changes.endedGaps.append(.init(scope: gone.path, at: now)) }
        for new in current.subtracting(omitted) { changes.gaps.append(notCovered(new.path, new.reason)) }
        omitted = current
    }

    private func isKnown(_ target: MarkPlan.Target) -> Bool {
        covered[target] != nil || served.contains(target) || refused.contains(target)
    }

    private mutating func endVanished(
        _ plan: MarkPlan, _ marks: [UInt64: EventMask], _ changes: inout CoverageChange
    ) {
        let now = Clock.realtime()
        let wanted = Set(plan.targets)
        for (target, filesystem) in covered {
            // The same place may show another filesystem, or the same one mounted anew and without its mark.
            // A directory that was removed is covered all the same: it may be made anew, and its filesystem has its mark.
            let isThere = (try? target.mountPoint.filesystemStatus()).map { $0.id == filesystem } ?? true
            let isMarked = crawled.contains(target.mountPoint) || hasMark(target, marks)
            if wanted.contains(target), isThere, isMarked { continue }
            covered[target] = nil
            changes.ended.append(.init(path: target.mountPoint, filesystem: filesystem, at: now))
            if !wanted.contains(target), !request.marks {
                changes.gaps.append(
                    notCovered(target.mountPoint, "its filesystem is not mounted there any more; start varved again"))
            }
        }
        served = served.filter { wanted.contains($0) && hasMark($0, marks) }
        for target in refused where !wanted.contains(target) {
            refused.remove(target)
            changes.endedGaps.append(.init(scope: target.mountPoint, at: now))
        }
    }

    private func wantedMask(_ target: MarkPlan.Target) -> EventMask {
        MarkedFilesystems.mask(of: target, operations: request.operations)
    }

    private func hasMark(_ target: MarkPlan.Target, _ marks: [UInt64: EventMask]) -> Bool {
        marks[target.device]?.isSuperset(of: wantedMask(target).intersection(.operations)) ?? false
    }

    private mutating func add(
        _ target: MarkPlan.Target, _ plan: MarkPlan, _ marks: [UInt64: EventMask], _ changes: inout CoverageChange
    ) {
        let isMarked = hasMark(target, marks)
        let isByDirectories = request.scope == .directories && target.isRecorded
        guard !isByDirectories, isMarked || request.marks else {
            guard target.isRecorded else { return }
            refused.insert(target)
            let cause =
                isByDirectories
                ? "mounted while recording; start varved again to mark its directories"
                : "mounted while recording, which --follow-mounts would have followed"
            changes.gaps.append(notCovered(target.mountPoint, cause))
            return
        }
        do throws(SyscallError) {
            // By its path each time: an open directory would keep it from being unmounted.
            let path = target.mountPoint
            guard try shows(target) else { return }
            // What is likely to refuse is asked first: its filesystem id may be that of another one.
            let mayRefuse = FilesystemSupport(RawPath(target.filesystemType)) != .local
            if mayRefuse, !isMarked { try group.group.addMark(.filesystem, mask: wantedMask(target), at: path) }
            let filesystem = try path.filesystemStatus().id
            try announce(target, filesystem, plan, isMarked: isMarked)
            if !mayRefuse, !isMarked { try group.group.addMark(.filesystem, mask: wantedMask(target), at: path) }
            let now = Clock.realtime()
            met.insert(filesystem)
            postponed.remove(target)
            guard target.isRecorded else {
                served.insert(target)
                return
            }
            covered[target] = filesystem
            changes.started.append(
                Coverage(
                    path: target.mountPoint, filesystem: filesystem, filesystemType: target.filesystemType,
                    mountPoint: target.seenFrom, from: now))
            if refused.remove(target) != nil {
                changes.endedGaps.append(.init(scope: target.mountPoint, at: now))
                return
            }
            // Under a mark that was there already, nothing of a filesystem that is kept whole was missed.
            guard !isMarked || plan.isRestricted else { return }
            changes.gaps.append(
                Gap(
                    kind: .notCovered, from: quietAt, to: now, count: nil, scope: target.mountPoint,
                    cause: "mounted while recording; recorded from here on"))
        } catch {
            if Self.passingErrors.contains(error.errno) {
                postponed.insert(target)
            } else {
                postponed.remove(target)
            }
            // It went away again, or nothing but a name is left of it.
            guard target.isRecorded, error.errno != ENOENT, refused.insert(target).inserted else { return }
            changes.gaps.append(
                notCovered(target.mountPoint, MarkedFilesystems.explain(error, on: target)))
        }
    }

    /// They tell of this process, or of the machine, at that moment, and nothing of the filesystem.
    private static let passingErrors: Set<Int32> = [EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN]

    /// Whether it is still the filesystem of the mount table that is to be seen there. On btrfs each subvolume has a
    /// device number of its own, so there only the type can be compared.
    private func shows(_ target: MarkPlan.Target) throws(SyscallError) -> Bool {
        if target.filesystemType == "btrfs" { return try target.mountPoint.filesystemStatus().type == Self.btrfsType }
        return try target.mountPoint.status().device == target.device
    }

    /// `BTRFS_SUPER_MAGIC`, linux/magic.h.
    private static let btrfsType: UInt64 = 0x9123_683E

    /// Tells *resolve* of a filesystem before its first event can reach it.
    ///
    /// Throws: where its top cannot be opened; all that happens on it would be taken for outside.
    private func announce(
        _ target: MarkPlan.Target, _ filesystem: FilesystemID, _ plan: MarkPlan, isMarked: Bool
    ) throws(SyscallError) {
        var change = ScopeChange()
        if !isMarked, met.contains(filesystem) {
            // Events from before it was unmounted are to be named by what was known then.
            waitForBarrier()
            change.remounted = filesystem
        }
        change.mountPoints[filesystem] = MarkedFilesystems.view(of: target)
        for top in plan.tops where !tops.contains(top) || top.path == target.mountPoint || top.path == target.seenFrom {
            let isItself = top.path == target.mountPoint && target.isRecorded
            let root = try isItself ? MarkedFilesystems.openRoot(at: top) : MarkedFilesystems.root(at: top)
            if let root, root.handle.filesystem == filesystem { change.roots.append(root) }
        }
        scopeChanges.add(change)
    }

    /// Overlays that were mounted since: what they prepare is told from what is done.
    private mutating func announceOverlays(_ plan: MarkPlan) {
        let new = plan.workDirectories.filter { !workDirectories.contains($0) }
        workDirectories = Set(plan.workDirectories)
        guard !new.isEmpty else { return }
        var change = ScopeChange()
        change.workDirectories = new.flatMap(MarkedFilesystems.workHandles)
        scopeChanges.add(change)
    }

    private func waitForBarrier() {
        let barrier = shared.barriers.request()
        shared.drain.waker.wake()
        let deadline = Clock.monotonic() &+ Self.barrierNanoseconds
        while shared.barriers.result(of: barrier) == nil, Clock.monotonic() < deadline {
            Clock.sleep(nanoseconds: 500_000)
        }
    }

    private func notCovered(_ path: RawPath, _ cause: String) -> Gap {
        Gap(kind: .notCovered, from: quietAt, to: .distantFuture, count: nil, scope: path, cause: cause)
    }
}

/// Ends the thread *mounts*.
final class FollowerControl: Sendable {
    let waker: Waker
    private let stopping = Atomic<Bool>(false)

    init() throws(SyscallError) {
        waker = try Waker()
    }

    var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

    func stop() {
        stopping.store(true, ordering: .sequentiallyConsistent)
        waker.wake()
    }
}

/// A thread that was made while it could still inherit what the others are not to have, and waits for its work.
///
/// Capabilities belong to threads: this one is made before the first thread gives up CAP_SYS_ADMIN.
final class EarlyThread: Sendable {
    private let work: EarlyWork
    private let thread: Mutex<OSThread?>

    /// Parameter prepare: what the thread does before it waits; done when this returns.
    init(name: String, prepare: @escaping @Sendable () -> Void) throws(SyscallError) {
        let work = EarlyWork(waker: try Waker())
        let prepared = try Waker()
        self.work = work
        thread = Mutex(
            try OSThread(name: name, stackByteCount: 2 << 20) {
                prepare()
                prepared.wake()
                work.perform()
            })
        prepared.wait(timeoutNanoseconds: nil)
    }

    /// Gives it its work; once.
    func start(_ body: @escaping @Sendable () -> Void) {
        work.give(body)
    }

    /// Waits for the end of its work.
    func join() {
        if let thread = thread.withLock({ $0.take() }) { thread.join() }
    }
}

/// What an early thread waits for.
private final class EarlyWork: Sendable {
    private let body = Mutex<(@Sendable () -> Void)?>(nil)
    private let waker: Waker

    init(waker: Waker) {
        self.waker = waker
    }

    func give(_ body: @escaping @Sendable () -> Void) {
        self.body.withLock { $0 = body }
        waker.wake()
    }

    func perform() {
        var given: (@Sendable () -> Void)?
        while given == nil {
            waker.wait(timeoutNanoseconds: nil)
            given = body.withLock { $0.take() }
        }
        given?()
    }
}
