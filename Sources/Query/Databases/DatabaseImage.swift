internal import Block
internal import Model
internal import Segment
internal import Store

/// The pages of a watched database after a commit, without a file of it.
///
/// Thread: one. Cost: the pages changed since the base image in memory, at most `overlayByteLimit` of them; others are
/// decoded from the base image a block of 1 MiB at a time.
package final class DatabaseImage {
    package enum Failure: Error, Hashable, CustomStringConvertible {
        /// No base image leads to the commit.
        case noBase(UInt64)
        /// More pages have changed than may be kept in memory.
        case tooManyChanges

        package var description: String {
            switch self {
            case .noBase(let commit): "no base image leads to commit \(commit): its pages are not known"
            case .tooManyChanges:
                "more than \(DatabaseImage.overlayByteLimit >> 20) MiB changed since the base image; restore it to a file"
            }
        }
    }

    package static let overlayByteLimit = 512 << 20

    package let history: DatabaseHistory
    package let pageSize: Int
    /// The commit whose state this is.
    package private(set) var commit: UInt64
    private var pages: OverlaidPages
    /// Where the segment begins that the commit lies in: a segment's changes can only be read from its start.
    private var boundary: Boundary

    private struct Boundary {
        var commit: UInt64
        var pages: OverlaidPages
        var hashes: PageHashes
    }

    /// The state after `commit`. Throws: `Failure`, `StoreError`, `SegmentError`.
    package init(_ history: DatabaseHistory, at commit: UInt64) throws {
        guard let way = history.way(to: commit) else { throw Failure.noBase(commit) }
        let reader = try history.files.open(way.base)
        pageSize = Int(reader.index.header.pageSize)
        self.history = history
        self.commit = way.base.commit
        let hashes = try reader.hashes { _, _ in }
        let base = OverlaidPages(
            base: try BasePages(consume reader), pageCount: hashes.pageCount, pageSize: pageSize)
        pages = base
        boundary = Boundary(commit: way.base.commit, pages: base, hashes: hashes)
        _ = try play(way.steps, to: commit)
    }

    private init(copying other: DatabaseImage) {
        (history, pageSize, commit, pages, boundary) = (
            other.history, other.pageSize, other.commit, other.pages, other.boundary
        )
    }

    /// Another image of the same state, which may be taken further by itself. Cost: pages are shared.
    package func copy() -> DatabaseImage { DatabaseImage(copying: self) }

    package var pageCount: UInt32 { pages.pageCount }

    /// The bytes of a page, from 1; nil beyond the end and for the lock page.
    package func page(_ number: UInt32) throws -> [UInt8]? {
        try pages.page(number)
    }

    /// Goes on to a later commit; the pages that its commits wrote. Those beyond the new end are among them.
    ///
    /// Throws: `Failure.noBase` where something is missing between; as `init`.
    package func advance(to later: UInt64) throws -> Set<UInt32> {
        guard later > commit else { return [] }
        let rows = history.segments.filter { $0.commitCount > 0 && $0.lastCommit > boundary.commit }
        return try play(rows.map { .segment($0) }, to: later)
    }

    private func play(_ steps: [DatabaseWay.Step], to later: UInt64) throws -> Set<UInt32> {
        var changed: Set<UInt32> = []
        var target = boundary.pages
        var reached = boundary
        var player = try SegmentPlayer(hashes: reached.hashes, commit: reached.commit)
        for step in steps where player.commit < later {
            switch step {
            case .segment(let row):
                guard row.isAnchored, row.firstCommit == player.commit + 1 else { throw Failure.noBase(later) }
                let file = try history.files.open(row)
                try player.play(file.index, upTo: later, into: &target) { try file.block($0) }
                let table = file.index.table
                for entry in table.commits where entry.number > commit && entry.number <= later {
                    changed.formUnion(table.pages[entry.pages])
                }
                guard player.commit == row.lastCommit else { continue }
            case .rebase(let row):
                let file = try history.files.open(row)
                try player.play(file.index, into: &target) { try file.block($0) }
                changed.formUnion(file.index.pages)
            }
            reached = Boundary(commit: player.commit, pages: target, hashes: player.hashes)
        }
        guard player.commit == later else { throw Failure.noBase(later) }
        (pages, boundary, commit) = (target, reached, later)
        return changed
    }
}

/// Pages that were written, over those of a base image.
struct OverlaidPages: PageStore {
    private let base: BasePages
    private let pageSize: Int
    private var written: [UInt32: [UInt8]] = [:]
    /// Of the base image's pages those above were cut off at some commit.
    private var basePageCount: UInt32
    private(set) var pageCount: UInt32

    init(base: BasePages, pageCount: UInt32, pageSize: Int) {
        self.base = base
        self.pageSize = pageSize
        self.pageCount = pageCount
        basePageCount = pageCount
    }

    func page(_ number: UInt32) throws -> [UInt8]? {
        if let bytes = written[number] { return bytes }
        return number <= basePageCount ? try base.page(number) : nil
    }

    mutating func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) throws {
        written[number] = Array(bytes)
        pageCount = max(pageCount, number)
        guard written.count * pageSize <= DatabaseImage.overlayByteLimit else {
            throw DatabaseImage.Failure.tooManyChanges
        }
    }

    mutating func resize(to count: UInt32) {
        if count < pageCount {
            written = written.filter { $0.key <= count }
            basePageCount = min(basePageCount, count)
        }
        pageCount = count
    }
}

/// The pages of a base image, its last blocks kept.
final class BasePages {
    private let reader: BaseImageReader
    private var unpacker: BlockUnpacker
    private var blocks: [(number: Int, bytes: [UInt8])] = []
    private static let keptBlockCount = 16

    init(_ reader: consuming BaseImageReader) throws {
        let newUnpacker = try BlockUnpacker()
        self.reader = reader
        unpacker = newUnpacker
    }

    func page(_ number: UInt32) throws -> [UInt8]? {
        guard let block = reader.index.block(of: number) else { return nil }
        let size = Int(reader.index.header.pageSize)
        let start = reader.index.position(of: number) * size
        return Array(try bytes(ofBlock: block)[start..<start + size])
    }

    private func bytes(ofBlock number: Int) throws -> [UInt8] {
        if let kept = blocks.first(where: { $0.number == number }) { return kept.bytes }
        let bytes = try reader.pages(ofBlock: number, &unpacker)
        if blocks.count == Self.keptBlockCount { blocks.removeFirst() }
        blocks.append((number, bytes))
        return bytes
    }
}
