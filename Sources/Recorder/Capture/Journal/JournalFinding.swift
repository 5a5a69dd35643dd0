import Block
import Model
import Segment
import Synchronization

/// What a look at a database with a rollback journal found, for *capture*, which knows who wrote it.
struct JournalFinding: Sendable {
    enum Content: Sendable {
        /// It is still the state that was found last.
        case unchanged
        /// A state that is not known what led to it.
        case beginning
        /// Another state than the last one, of so many transactions; nil where the counter does not say.
        case state(transactionCount: UInt32?)
        /// The same, but it cannot be kept as a commit: only the state itself can, behind a gap.
        case tooLarge(transactionCount: UInt32?)
        /// It cannot be captured now, and why, for people.
        case notCovered(String)
        /// The file is no database with a rollback journal any more.
        case over
        /// The name is that of another file now.
        case otherFile
        /// There is no file of that name any more.
        case gone
    }

    var stream: UUIDBytes
    var content: Content
    /// The state was there by then, and still at `ended`; both are the moment of the look where there is none.
    var begun: Instant
    var ended: Instant
    /// The request that it answers.
    var request: UInt64
}

/// Findings on their way to *capture*. Bounded: a database has one at most.
final class JournalFindings: Sendable {
    private let findings = Mutex<[JournalFinding]>([])
    private let waker: Waker?

    /// Parameter waker: of *capture*.
    init(waker: Waker? = nil) {
        self.waker = waker
    }

    func add(_ finding: JournalFinding) {
        findings.withLock { $0.append(finding) }
        waker?.wake()
    }

    func take() -> [JournalFinding] {
        findings.withLock { findings in
            defer { findings = [] }
            return findings
        }
    }
}

/// What *capture* says of a state that was found.
struct JournalVerdict: Sendable {
    /// Of the commit that it is; nil where it is only what follows on what came before, of number `last`.
    var number: UInt64?
    /// The newest number of the stream.
    var last: UInt64
    var transactionCount: UInt32?
    var low: Instant
    var high: Instant
    var attribution: CapturedCommit.Attribution
    var writers: [ActorProcess]
}
