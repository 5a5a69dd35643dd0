package import Model

/// One commit of a watched database, as it was read from its write-ahead log, or what transactions with a rollback journal
/// made of it.
///
/// Shape: `bytes` holds the pages one after the other, in the order of `pages`; `pages` is strictly ascending.
package struct CapturedCommit: Hashable, Sendable {
    /// How surely the commit took place.
    package enum Status: UInt8, CaseIterable, Sendable {
        /// The header of the `-shm` names its frame and its checksum.
        case published = 1
        /// The `-shm` names its frame, but its frames carry no valid checksum: SQLite would lose it in a crash.
        case unchained = 2
        /// No `-shm` bears witness; its frames are valid and stayed so.
        case logged = 3
        /// What one or more transactions with a rollback journal made of the file: it was read between two of them, and
        /// no log says what was between.
        case state = 4

        /// As answers name it.
        package var name: String {
            switch self {
            case .published: "published"
            case .unchained: "unchained"
            case .logged: "logged"
            case .state: "state"
            }
        }
    }

    /// What `writers` says.
    package enum Attribution: UInt8, CaseIterable, Sendable {
        /// The one process that wrote the log in the commit's time wrote the commit.
        case exact = 1
        /// One of these processes wrote it.
        case set = 2
        /// Nobody was seen to write the log.
        case unknown = 3

        /// As answers name it.
        package var name: String {
            switch self {
            case .exact: "exact"
            case .set: "set"
            case .unknown: "unknown"
            }
        }
    }

    /// In its stream, from 1. The numbers of a gap's missing commits are left out.
    package var number: UInt64
    /// The commit became visible in (low, high].
    package var low: Instant
    package var high: Instant
    /// Pages of the database after the commit; its own pages are not above it.
    package var databasePageCount: UInt32
    /// Number of its commit frame in the log, from 1. Of a *state* how many transactions it is of, 0 where that is not known.
    package var frame: UInt32
    /// salt-1 << 32 | salt-2 of the log; 0 of a *state*.
    package var salts: UInt64
    /// `iChange` of the `-shm` header after it; nil where there is none. Of a *state* the change counter of the file's header.
    package var changeCounter: UInt32?
    package var status: Status
    package var attribution: Attribution
    /// As they are known when the commit is captured.
    package var writers: [ActorProcess]
    /// Who wrote the database file itself meanwhile.
    package var checkpointer: [ActorProcess]
    package var pages: [UInt32]
    package var bytes: [UInt8]

    package init(
        number: UInt64, low: Instant, high: Instant, databasePageCount: UInt32, frame: UInt32, salts: UInt64,
        changeCounter: UInt32?, status: Status, attribution: Attribution, writers: [ActorProcess],
        checkpointer: [ActorProcess], pages: [UInt32], bytes: [UInt8]
    ) {
        self.number = number
        self.low = low
        self.high = high
        self.databasePageCount = databasePageCount
        self.frame = frame
        self.salts = salts
        self.changeCounter = changeCounter
        self.status = status
        self.attribution = attribution
        self.writers = writers
        self.checkpointer = checkpointer
        self.pages = pages
        self.bytes = bytes
    }
}
