import Block
import Model
import Segment
import Synchronization
import Syscalls

/// How much of the time reading all databases with rollback journals may take: a tenth. Thread: *segments*.
final class JournalBudget: Sendable {
    private let next = Atomic<Int64>(0)
    private static let pauseFactor: Int64 = 9

    /// CLOCK_MONOTONIC: before it nothing is read.
    var nextReading: Int64 { next.load(ordering: .relaxed) }

    func spend(_ nanoseconds: Int64, now: Int64) {
        next.store(max(nextReading, now) &+ nanoseconds &* Self.pauseFactor, ordering: .relaxed)
    }
}

/// Looks at one database with a rollback journal: when it is asked for, and until a look found it at rest.
///
/// A state that was found waits here until *capture* has said who made it; meanwhile there is no other look.
/// Thread: *segments*. Cost: a look at a file that was not written since the last one is six calls of the kernel; else
/// `JournalCopy`.
final class JournalReading {
    private enum Work {
        case idle
        case reading(JournalCopy)
        case found(JournalState)
    }

    private let place: CapturePlace
    private let budget: JournalBudget
    private let findings: JournalFindings
    private var work = Work.idle
    private var isAsked = false
    private var request: UInt64 = 0
    /// CLOCK_MONOTONIC of the request, or of the last look that it led to.
    private(set) var waitsSince: Int64 = 0
    /// CLOCK_MONOTONIC
    private var nextLook: Int64 = 0
    private var pause: Int64 = 0
    /// Since when no look found it at rest.
    private var busySince: Int64?
    private var resolution = FileTimeResolution()
    /// The last state that was found and kept.
    private var last: JournalSight?

    /// A lock is mostly held for a moment.
    private static let leastPauseNanoseconds: Int64 = 1_000_000
    /// So long a look waits for it.
    private static let spinNanoseconds: Int64 = 500_000
    private static let usualPauseNanoseconds: Int64 = 64_000_000
    private static let greatestPauseNanoseconds: Int64 = 1_024_000_000
    /// So long no look found it at rest: whoever writes it does not let go of it.
    private static let patienceNanoseconds: Int64 = 60_000_000_000
    /// Larger ones would be read for each transaction.
    static let maximumByteCount: Int64 = 1 << 30
    /// More changed pages are not kept as one commit.
    private static let maximumCommitByteCount = 64 << 20

    init(_ place: CapturePlace, budget: JournalBudget, findings: JournalFindings) {
        self.place = place
        self.budget = budget
        self.findings = findings
    }

    /// Somebody wrote the database, or wants to know whether anybody did. A state that waits for an earlier request goes.
    func ask(_ request: UInt64) {
        if case .found = work { work = .idle }
        self.request = request
        lookAgain()
    }

    /// What was found is not to be built on: the next look finds a state anew.
    func lookAnew() {
        last = nil
        lookAgain()
    }

    private func lookAgain() {
        if !isAsked { waitsSince = Clock.monotonic() }
        isAsked = true
        nextLook = 0
    }

    /// There is a piece to be read now.
    var hasPieces: Bool { if case .reading = work { true } else { false } }

    /// Until when there is nothing to do, in nanoseconds from now; nil where nothing is to be done.
    func wait(now: Int64) -> Int64? {
        switch work {
        case .idle: isAsked ? max(0, max(nextLook, budget.nextReading) &- now) : nil
        case .reading: 0
        case .found: nil
        }
    }

    /// The state that waits, which is settled with this.
    func takeFound() -> JournalState? {
        guard case .found(let state) = work else { return nil }
        work = .idle
        last = state.sight
        return state
    }

    /// Goes on by one piece.
    ///
    /// Parameters: `known` the last state, or one from before a gap (`isBehindGap`), nil where there is none; `isWholeDue`
    /// whether all pages are wanted.
    func advance(
        _ stream: DatabaseStream, known: PageHashes?, isBehindGap: Bool, isWholeDue: Bool, now: Int64
    ) {
        switch work {
        case .idle:
            guard isAsked, now >= nextLook, now >= budget.nextReading else { return }
            begin(stream, known, isBehindGap: isBehindGap, isWholeDue: isWholeDue, now: now)
        case .reading(let copy):
            read(copy, stream, known, isBehindGap: isBehindGap)
        case .found: return
        }
    }

    private func begin(
        _ stream: DatabaseStream, _ known: PageHashes?, isBehindGap: Bool, isWholeDue: Bool, now: Int64
    ) {
        guard let path = stream.paths.last, let file = JournalFile(path, access: place.access) else {
            let isThere = stream.paths.last.flatMap { try? $0.status(followingLinks: false) } != nil
            return tell(!isThere ? .gone : .notCovered("it cannot be opened"), stream)
        }
        guard stream.isFile(file.identity, born: file.descriptor.birth) else { return tell(.otherFile, stream) }
        // Of what is asked for first nothing later can be said.
        var asked = Clock.realtime()
        guard var sight = file.lookBefore() else {
            // Empty where its first transaction is under way.
            return file.version?.byteCount == 0 ? tryAgain(stream, now: now) : tell(.over, stream)
        }
        // Most transactions end in a moment, and those of a busy writer begin again as soon.
        var spun = now
        while !sight.isAtRest, pause == 0, spun &- now < Self.spinNanoseconds {
            asked = Clock.realtime()
            guard let again = file.lookBefore() else { break }
            sight = again
            spun = Clock.monotonic()
        }
        let begun = Clock.realtime()
        guard sight.version.byteCount <= Self.maximumByteCount else {
            return tell(
                .notCovered(
                    "it is written with a rollback journal and larger than \(Self.maximumByteCount >> 20) MiB, all of "
                        + "which would be read for each transaction"), stream)
        }
        let isOld = resolution.tellsLaterChanges(
            from: sight.version.changed, tick: Clock.realtimeOfTick(), now: begun)
        guard sight.isAtRest, isOld, sight.version.byteCount % Int64(sight.pageSize) == 0 else {
            budget.spend(Clock.monotonic() &- now, now: spun)
            return tryAgain(stream, now: now)
        }
        if let last, known != nil, !isBehindGap, sight.isSameState(as: last) {
            return tell(.unchanged, stream, asked, asked)
        }
        let isComparable = known != nil && stream.pageSize == sight.pageSize
        let copy = JournalCopy(
            file, sight, begun: begun, of: stream.uuid, comparedWith: isComparable ? known : nil,
            isWhole: isWholeDue, in: place.store)
        copy.spent = Clock.monotonic() &- now
        work = .reading(copy)
        // At once: it may be written again in a moment.
        read(copy, stream, known, isBehindGap: isBehindGap)
    }

    private func read(_ copy: JournalCopy, _ stream: DatabaseStream, _ known: PageHashes?, isBehindGap: Bool) {
        let began = Clock.monotonic()
        let piece = Result { () throws(JournalCopy.Failure) in try copy.advance() }
        let now = Clock.monotonic()
        do throws(JournalCopy.Failure) {
            guard let state = try piece.get() else { return copy.spent += now &- began }
            budget.spend(copy.spent &+ now &- began, now: now)
            found(state, stream, known, isBehindGap: isBehindGap)
        } catch {
            budget.spend(copy.spent &+ now &- began, now: now)
            work = .idle
            switch error {
            case .disturbed: tryAgain(stream, now: now)
            case .unreadable(let reason): tell(.notCovered(reason), stream)
            case .unwritable(let reason):
                tell(.notCovered("no copy of it can be made where the store is: \(reason)"), stream)
            }
        }
    }

    private func found(_ state: JournalState, _ stream: DatabaseStream, _ known: PageHashes?, isBehindGap: Bool) {
        let count = state.sight.transactionCount(since: last?.changeCounter)
        let content: JournalFinding.Content
        if known == nil || isBehindGap {
            content = .beginning
        } else if stream.pageSize != state.sight.pageSize {
            content = .tooLarge(transactionCount: count)
        } else if state.changedPages.isEmpty, state.pageCount == known?.pageCount {
            last = state.sight
            work = .idle
            return tell(.unchanged, stream, state.begun, state.ended)
        } else if state.changedPages.isEmpty || state.changedByteCount > Self.maximumCommitByteCount {
            // A commit holds a page at least, but a file may have been cut without any.
            content = .tooLarge(transactionCount: count)
        } else {
            content = .state(transactionCount: count)
        }
        work = .found(state)
        tell(content, stream, state.begun, state.ended)
    }

    private func tryAgain(_ stream: DatabaseStream, now: Int64) {
        pause = min(max(Self.leastPauseNanoseconds, pause &* 2), Self.usualPauseNanoseconds)
        nextLook = now &+ pause
        waitsSince = now
        let since = busySince ?? now
        busySince = since
        guard now &- since >= Self.patienceNanoseconds else { return }
        tell(
            .notCovered(
                "it is written with a rollback journal, and was never seen between two transactions: exclusive locking "
                    + "mode, or a transaction that was broken off"), stream)
        isAsked = true
        nextLook = now &+ Self.greatestPauseNanoseconds
    }

    private func tell(
        _ content: JournalFinding.Content, _ stream: DatabaseStream, _ begun: Instant? = nil, _ ended: Instant? = nil
    ) {
        isAsked = false
        pause = 0
        if case .notCovered = content {} else { busySince = nil }
        let now = Clock.realtime()
        findings.add(
            JournalFinding(
                stream: stream.uuid, content: content, begun: begun ?? now, ended: ended ?? now, request: request))
    }
}
