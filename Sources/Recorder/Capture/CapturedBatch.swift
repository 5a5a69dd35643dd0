import Block
import Model
import SQLiteWAL
import Segment

/// The commits of one look on their way into a segment: numbered, with bounds and writers that they all have.
struct CapturedBatch: Sendable {
    var commits: CommitBatch
    /// So many at the beginning are stored already.
    var skippedCount = 0
    /// The number of the first one that is not skipped.
    var first: UInt64
    var low: Instant
    var high: Instant
    var attribution: CapturedCommit.Attribution
    var writers: [ActorProcess]
    /// Who wrote the database file itself, and not the log, since the commit before.
    var checkpointers: [ActorProcess] = []

    /// What it takes of memory.
    var byteCount: Int { commits.byteCount }
    var count: Int { commits.entries.count - skippedCount }

    /// Where in a log its last commit ended; nil where there is none.
    var lastPlace: LogPlace? {
        commits.entries.last.map { LogPlace(salts: $0.commit.salts.rawValue, frame: $0.commit.frame) }
    }

    /// Gives each commit with its pages, in order.
    func forEach(_ body: (CapturedCommit) -> Void) {
        var place = -skippedCount
        commits.forEach { commit, proof in
            defer { place += 1 }
            guard place >= 0 else { return }
            body(
                CapturedCommit(
                    number: first + UInt64(place), low: low, high: high, databasePageCount: commit.databasePageCount,
                    frame: commit.frame, salts: commit.salts.rawValue, changeCounter: nil,
                    status: CapturedCommit.Status(proof), attribution: attribution, writers: writers,
                    checkpointer: checkpointers, pages: commit.pages, bytes: commit.bytes))
        }
    }
}
