import Fanotify
import Model

/// What *resolve* knows of the trees whose directories are marked one by one: which filesystems they are on, what waits
/// to be marked, and what scans found.
struct DirectoryScan {
    /// A directory that is to be looked at.
    struct Waiting {
        enum Reason {
            /// It came into sight: it is marked, and what is in it is told.
            case appeared
            /// It carries a mark and was away for a while: what is below it may carry none.
            case returned
            /// The whole tree is looked through: what is where is compared with what is known.
            case review
        }

        var index: DirectoryTree.Index
        /// It was not there, or not here, before this moment.
        var since: Instant
        var reason = Reason.appeared
        /// No record led to it, but a look through the whole tree.
        var isUnannounced = false
        /// When nobody knew where it was, or it was another: CLOCK_MONOTONIC, 0 while it was never tried.
        var firstTried: Int64 = 0
        /// Reviews of the whole tree that did not find it.
        var reviewCount = 0
    }

    struct EntryKey: Hashable {
        var directory: DirectoryTree.Index
        var name: [UInt8]
    }

    /// What a scan found, until the queue can no longer hold a record of the same creation.
    struct Found {
        /// In the batch being gathered; negative where it is committed.
        var event: Int
        var object: FileIdentity
    }

    let marker: DirectoryMarker
    /// The trees, by the filesystem that they are on.
    private(set) var tops: [FilesystemID: RawPath] = [:]
    /// How many directories carry a mark.
    var markedCount = 0
    /// A stack: what is below is looked at before what is beside.
    var waiting: [Waiting] = []
    /// Were not where they should be.
    var unreached: [Waiting] = []
    var missed = MissedDirectories()
    var found: [EntryKey: Found] = [:]
    /// What was marked unannounced, and when: its record may be in the queue; where none comes, it was found late.
    var unannounced: [DirectoryTree.Index: (since: Instant, markedAt: Instant)] = [:]
    /// When the last scan ended; no record of a later reading tells of anything that it found.
    var lastScan = Instant.distantPast

    static let maximumFoundCount = 65_536
    static let maximumUnreachedCount = 1_024
    static let maximumUnannouncedCount = 4_096
    /// Entries that are looked at before the records at hand have their turn.
    static let turnEntryCount = 8_192
    /// How long a record is waited for that tells where a directory is, before the whole tree is looked through.
    static let patienceNanoseconds: Int64 = 200_000_000
    /// While directories are moved all the time, a review may miss one; after so many it is given up.
    static let maximumReviewCount = 4
    /// Then it is given up in any case.
    static let longestPatienceNanoseconds: Int64 = 60_000_000_000

    /// Records were lost, or contradict each other, since this moment: the tree has to be looked through.
    var reviewWantedSince: Instant?
    private(set) var isReviewing = false
    /// CLOCK_MONOTONIC.
    private(set) var reviewBegan: Int64 = .min
    private var reviewEnded: Int64 = .min

    init(marker: DirectoryMarker, crawls: [DirectoryCrawl]) {
        self.marker = marker
        for crawl in crawls where tops[crawl.filesystem] == nil { tops[crawl.filesystem] = crawl.top }
    }

    /// A review takes at most a twentieth of the time, and comes once a second at most.
    func reviewIsDue(at now: Int64) -> Bool {
        guard reviewWantedSince != nil, waiting.isEmpty else { return false }
        guard reviewEnded > .min else { return true }
        return now &- reviewEnded >= max(1_000_000_000, (reviewEnded &- reviewBegan) &* 20)
    }

    /// Begins to look through the trees of these tops.
    mutating func beginReview(of tops: [DirectoryTree.Index], at now: Int64) {
        guard let since = reviewWantedSince else { return }
        reviewWantedSince = nil
        isReviewing = true
        reviewBegan = now
        waiting += tops.map { Waiting(index: $0, since: since, reason: .review) }
    }

    /// Nothing waits any more.
    mutating func endReview(at now: Int64) {
        isReviewing = false
        reviewEnded = now
    }

    mutating func wantReview(since moment: Instant) {
        reviewWantedSince = min(reviewWantedSince ?? moment, moment)
    }

    var isIdle: Bool { waiting.isEmpty && unreached.isEmpty }

    /// How much is still to be looked at: directories, and the whole tree as one.
    var pendingCount: Int { waiting.count + unreached.count + (isReviewing || reviewWantedSince != nil ? 1 : 0) }

    /// The events so far are in another batch.
    mutating func beginBatch() {
        for key in found.keys { found[key]?.event = -1 }
    }
}
