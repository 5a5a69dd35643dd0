import Fanotify
import Model

/// What *resolve* knows of the trees whose directories are marked one by one: which filesystems they are on, what waits
/// to be marked, and what scans found.
struct DirectoryScan {
    /// A directory that came into sight and is to be marked and listed.
    struct Waiting {
        var index: DirectoryTree.Index
        /// It was not there, or not here, before this moment.
        var since: Instant
        /// When nobody knew where it was, or it was another: it is tried again after each rename until `patience` ends.
        var firstTried: Int64 = 0
        /// Also what is marked below it is listed again: it was away for a while.
        var isReturn = false
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
    /// When the last scan ended; no record of a later reading tells of anything that it found.
    var lastScan = Instant.distantPast

    static let maximumFoundCount = 65_536
    static let maximumUnreachedCount = 1_024
    /// Entries that are looked at before the records at hand have their turn.
    static let turnEntryCount = 8_192
    /// How long a directory that is not where it should be is looked for.
    static let patienceNanoseconds: Int64 = 2_000_000_000

    init(marker: DirectoryMarker, crawls: [DirectoryCrawl]) {
        self.marker = marker
        for crawl in crawls where tops[crawl.filesystem] == nil { tops[crawl.filesystem] = crawl.top }
    }

    var isIdle: Bool { waiting.isEmpty && unreached.isEmpty }

    /// The events so far are in another batch.
    mutating func beginBatch() {
        for key in found.keys { found[key]?.event = -1 }
    }
}
