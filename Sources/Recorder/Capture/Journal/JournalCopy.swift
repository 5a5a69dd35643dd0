import Block
import Model
import Segment
import Syscalls

/// A database file that is read from its beginning to its end while others may write it, and compared with an earlier state.
///
/// Thread: one. Cost: the file is read once, 8 bytes a page; pages that are another than before are written to a file without
/// a name.
final class JournalCopy {
    enum Failure: Error, Equatable {
        /// Somebody wrote the file, or is about to: it is no state.
        case disturbed
        case unreadable(String)
        /// Why the copy cannot be made.
        case unwritable(String)
    }

    private let source: JournalFile
    private let before: JournalSight
    /// When nobody held the lock before.
    let begun: Instant
    private let directory: RawPath
    private var file: CopyFile?
    private let compared: PageHashes?
    /// Also pages that are the same are in the copy.
    private let isWhole: Bool
    private let lockPage: UInt32
    private var hashes: PageHashes
    private var changed: [UInt32] = []
    private var nextPage: UInt32 = 1
    /// What reading it took so far, in nanoseconds.
    var spent: Int64 = 0

    private static let pieceByteCount = 1 << 20
    /// Not more than this is read at one go, before anything else is done with it: a fast writer leaves little time.
    private static let wholeByteCount: Int64 = 16 << 20

    /// Parameters: `before` what was seen at `begun`, a database at rest; `compared` hashes of an earlier state with pages of
    /// the same size; `isWhole` whether all pages are kept, not only those that are another; `directory` where the copy is to be.
    init(
        _ source: consuming JournalFile, _ before: JournalSight, begun: Instant, of stream: UUIDBytes,
        comparedWith compared: PageHashes?, isWhole: Bool, in directory: RawPath
    ) {
        self.source = source
        self.before = before
        self.begun = begun
        self.directory = directory
        self.compared = compared
        self.isWhole = isWhole || compared == nil
        lockPage = SegmentLimits.lockPage(pageSize: before.pageSize)
        hashes = PageHashes(stream: stream)
    }

    private var pageCount: UInt32 { UInt32(clamping: before.version.byteCount / Int64(before.pageSize)) }

    /// Reads the next piece. Returns: the state, when it was the last one.
    func advance() throws(Failure) -> JournalState? {
        if before.version.byteCount <= Self.wholeByteCount {
            let bytes = try read(pageCount)
            let ended = try end()
            try take(bytes, Int(before.pageSize))
            return try state(ended)
        }
        guard source.version == before.version else { throw .disturbed }
        let bytes = try read(min(UInt32(Self.pieceByteCount / Int(before.pageSize)), pageCount - (nextPage - 1)))
        try take(bytes, Int(before.pageSize))
        return nextPage > pageCount ? try state(try end()) : nil
    }

    /// The next pages.
    private func read(_ count: UInt32) throws(Failure) -> [UInt8] {
        let size = Int(before.pageSize)
        var bytes: [UInt8] = []
        do throws(SyscallError) {
            try source.descriptor.read(
                upTo: Int(count) * size, at: Int64(nextPage - 1) * Int64(size), appendingTo: &bytes)
        } catch {
            throw .unreadable(error.description)
        }
        guard bytes.count == Int(count) * size else { throw .disturbed }
        return bytes
    }

    /// A moment at which what was read was still the state of the file.
    private func end() throws(Failure) -> Instant {
        let ended = Clock.realtime()
        guard let after = source.lookAfter(), after.isSameState(as: before) else { throw .disturbed }
        return ended
    }

    private func take(_ bytes: [UInt8], _ size: Int) throws(Failure) {
        let offset = Int64(nextPage - 1) * Int64(size)
        // What stands side by side is written at one go.
        var kept = 0..<0
        for start in stride(from: 0, to: bytes.count, by: size) {
            if takePage(bytes, start..<start + size) {
                kept = (kept.isEmpty ? start : kept.lowerBound)..<start + size
            } else {
                try write(bytes, kept, at: offset)
                kept = 0..<0
            }
        }
        try write(bytes, kept, at: offset)
    }

    /// Whether it is to be kept.
    private func takePage(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let page = nextPage
        nextPage += 1
        guard page != lockPage else {
            hashes.set(page, 0)
            return false
        }
        let hash = hashes.hash(of: page, bytes, range)
        hashes.set(page, hash)
        let isOther = compared.map { page > $0.pageCount || $0[page] != hash } ?? true
        if isOther { changed.append(page) }
        return isOther || isWhole
    }

    private func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int64) throws(Failure) {
        guard !range.isEmpty else { return }
        let file = try target()
        do throws(SyscallError) {
            try file.descriptor.write(Array(bytes[range]), at: offset + Int64(range.lowerBound))
        } catch {
            throw .unwritable(error.description)
        }
    }

    /// Made when it is needed: before the first piece is read there is no time for it.
    private func target() throws(Failure) -> CopyFile {
        if let file { return file }
        let made: CopyFile
        let available: Int64
        do throws(SyscallError) {
            available = Int64(clamping: try directory.filesystemStatus().availableByteCount)
            made = try CopyFile(in: directory)
        } catch {
            throw .unwritable(error.description)
        }
        guard before.version.byteCount <= available / 4 else {
            throw .unwritable("it is larger than a quarter of what is free there")
        }
        file = made
        return made
    }

    private func state(_ ended: Instant) throws(Failure) -> JournalState {
        JournalState(
            sight: before, begun: begun, ended: ended, hashes: hashes, changedPages: changed, file: try target(),
            isSparse: !isWhole)
    }
}

/// A state of a database between two transactions, as it was read.
struct JournalState {
    var sight: JournalSight
    /// It was there by then, and still at `ended`.
    var begun: Instant
    var ended: Instant
    var hashes: PageHashes
    /// Those that are another than in the state that it was compared with, ascending; all where it was with none.
    var changedPages: [UInt32]
    /// Holds the changed pages at least.
    var file: CopyFile
    /// It does not hold the others.
    var isSparse: Bool

    var pageCount: UInt32 { hashes.pageCount }
    var changedByteCount: Int { changedPages.count * Int(sight.pageSize) }

    /// The changed pages, one after the other. Throws: `SyscallError`.
    func changedBytes() throws(SyscallError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(changedByteCount)
        try file.appendPages(changedPages[...], pageSize: Int(sight.pageSize), to: &bytes)
        return bytes
    }
}
