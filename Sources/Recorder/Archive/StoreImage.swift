import Block
import Model
import SQLiteWAL
import Segment
import Store
import Syscalls

/// The pages of the store at one commit: its database file, which no checkpoint changes for now, under its log.
struct StoreImage {
    let pageCount: UInt32
    /// The commit it is the state after.
    let note: CommitNote
    /// Behind the last frame of the log; nil where it has none.
    let reader: CommitReader?
    /// The commits that stand in the log, with their times where those are known.
    let commits: [(commit: WALCommit, note: CommitNote?)]
    private let database: LiveDatabase
    private static let pieceByteCount = 1 << 20

    /// Cost: the log's pages in memory, twice for a moment. Throws where the log does not hold together.
    init(_ image: borrowing LiveImage) throws(ArchiveBreak) {
        var reader: CommitReader?
        var commits: [(WALCommit, CommitNote?)] = []
        for stretch in image.log {
            try ArchiveChain.read(stretch, &reader)
            for commit in reader?.commits ?? [] {
                commits.append((commit, ArchiveChain.note(of: commit, in: stretch.notes)))
            }
            reader?.commits = []
        }
        guard !commits.contains(where: { $0.0.isOversized }) else {
            throw ArchiveBreak("a transaction of the store takes more than \(ArchiveChain.commitByteLimit >> 20) MiB")
        }
        guard commits.last.map({ $0.0.databasePageCount == image.pageCount }) ?? true else {
            throw ArchiveBreak("the store's log ends with another commit than its writer says")
        }
        self.reader = reader
        self.commits = commits
        pageCount = image.pageCount
        note = image.note
        database = image.database
    }

    /// Where the archive's last state stands in the log: its hashes, and how many of the log's commits are in it.
    ///
    /// Nothing but the pages decides. Parameter place: the frame and salts of the archive's last commit: of two equal states it
    /// is that one. Returns: nil where no state that can still be read is the archive's.
    func find(
        state: UInt64, pageCount: UInt32, place: (salts: UInt64, frame: UInt32)?, stream: UUIDBytes,
        isEnding: () -> Bool
    ) throws(ArchiveBreak) -> (hashes: PageHashes, commitCount: Int)? {
        var hashes = PageHashes(stream: stream)
        try forEachPiece(of: .max) { (first, bytes) throws(ArchiveBreak) in
            guard !isEnding() else { throw ArchiveBreak("it was given up") }
            var page = first
            for start in stride(from: 0, to: bytes.count, by: ArchiveChain.pageByteCount) {
                set(page, bytes, start, &hashes)
                page += 1
            }
        }
        let exact = place.flatMap { place in
            commits.firstIndex { $0.commit.salts.rawValue == place.salts && $0.commit.frame == place.frame }
        }
        func isIt(_ count: Int) -> Bool {
            hashes.state == state && hashes.pageCount == pageCount && (exact.map { $0 + 1 == count } ?? true)
        }
        if isIt(0) { return (hashes, 0) }
        for (index, (commit, _)) in commits.enumerated() {
            for (position, page) in commit.pages.enumerated() {
                set(page, commit.bytes, position * ArchiveChain.pageByteCount, &hashes)
            }
            hashes.resize(to: commit.databasePageCount)
            if isIt(index + 1) { return (hashes, index + 1) }
        }
        return nil
    }

    private func set(_ page: UInt32, _ bytes: [UInt8], _ start: Int, _ hashes: inout PageHashes) {
        let isLockPage = page == SegmentLimits.lockPage(pageSize: UInt32(ArchiveChain.pageByteCount))
        hashes.set(page, isLockPage ? 0 : hashes.hash(of: page, bytes, start..<start + ArchiveChain.pageByteCount))
    }

    /// All pages in order, in pieces of whole pages. Throws where a page is in neither file nor log, and what `body` throws.
    func forEachPage(_ body: (UInt32, [UInt8]) throws(ArchiveBreak) -> Void) throws(ArchiveBreak) {
        var newest: [UInt32: (commit: Int, position: Int)] = [:]
        for (index, (commit, _)) in commits.enumerated() {
            for (position, page) in commit.pages.enumerated() { newest[page] = (index, position) }
        }
        let size = ArchiveChain.pageByteCount
        var next: UInt32 = 1
        func lay(_ first: UInt32, _ bytes: inout [UInt8]) {
            for start in stride(from: 0, to: bytes.count, by: size) {
                guard let place = newest[first + UInt32(start / size)] else { continue }
                let from = place.position * size
                bytes.replaceSubrange(
                    start..<start + size, with: commits[place.commit].commit.bytes[from..<from + size])
            }
        }
        try forEachPiece(of: pageCount) { (first, piece) throws(ArchiveBreak) in
            var bytes = piece
            lay(first, &bytes)
            try body(first, bytes)
            next = first + UInt32(bytes.count / size)
        }
        // Pages that were added are only in the log until the next checkpoint.
        while next <= pageCount {
            var bytes = [UInt8](repeating: 0, count: size)
            let isLockPage = next == SegmentLimits.lockPage(pageSize: UInt32(size))
            guard isLockPage || newest[next] != nil else {
                throw ArchiveBreak("page \(next) of the store is in neither its file nor its log")
            }
            lay(next, &bytes)
            try body(next, bytes)
            next += 1
        }
    }

    /// The whole pages that the file has, up to `limit` of them.
    private func forEachPiece(
        of limit: UInt32, _ body: (UInt32, [UInt8]) throws(ArchiveBreak) -> Void
    ) throws(ArchiveBreak) {
        let size = ArchiveChain.pageByteCount
        var first: UInt32 = 1
        var bytes: [UInt8] = []
        while first <= limit {
            let count = min(Self.pieceByteCount / size, Int(limit - first) + 1)
            bytes.removeAll(keepingCapacity: true)
            do {
                try database.read(upTo: count * size, at: Int64(first - 1) * Int64(size), appendingTo: &bytes)
            } catch {
                throw ArchiveBreak(error)
            }
            bytes.removeLast(bytes.count % size)
            guard !bytes.isEmpty else { return }
            try body(first, bytes)
            first += UInt32(bytes.count / size)
        }
    }
}
