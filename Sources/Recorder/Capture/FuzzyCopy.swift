import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// A copy of a database that is made beside its commits, piece by piece, however often the log begins again.
///
/// It begins with the first frame of a generation. All generations before were in the file by then, and from then on a
/// checkpoint writes nothing but pages of commits. So each page that a commit wrote since is taken from the commit, and
/// what is left are pages of the file that nobody writes. Once the commits have come to where the index stood after the
/// file had been read, the copy is the state after the newest of them. It holds only while no commit is missing: whoever
/// feeds it gives it up at a gap.
///
/// Thread: one. Cost: 8 bytes and a bit a page, and 4 MiB of pages; the file is read and written once, and the log's present
/// generation read where the copy begins within one.
final class FuzzyCopy {
    private enum Phase {
        /// The frames up to that one were committed before this began.
        case seeding(FrameChain, goal: UInt32)
        case copying
        /// The file was read; which commits may be in it is not known yet.
        case read
        /// They are among those up to that place, of whose generation one has come, or none.
        case catchingUp(LogPlace, isMet: Bool)
        case complete
    }

    /// Its pages are those of the last commit once the copy is complete.
    let file: CopyFile
    private var files: DatabaseFiles
    private let pageSize: WALPageSize
    private let lockPage: UInt32
    private let limits: BaseCopy.Limits
    private var hashes: PageHashes
    /// Of an earlier state: what the file has unchanged since is left out. nil where everything is copied.
    private var compared: PageHashes?
    /// Of the database after the last commit.
    private(set) var pageCount: UInt32 = 0
    /// A bit a page: its contents are a commit's, and what the file has does not count.
    private var isCommitted: [UInt64] = []
    private var committedPageCount: Int64 = 0
    /// Pages of commits that are not written yet: the same ones come again and again.
    private var waiting: [UInt32: [UInt8]] = [:]
    /// The greatest page that the copy has.
    private var highestPage: UInt32 = 0
    private var databaseByteCount: Int64 = 0
    /// How many pages of the file count: those that it had at the beginning, and that no commit cut off since.
    private var filePageCount: UInt32 = 0
    private var nextPage: UInt32 = 1
    private var last: LogPlace
    private var phase = Phase.copying
    /// What checkpoints had written when it began: it is in the file, and SQLite reads it from there.
    private let written: (salts: WALSalts, frame: UInt32)
    /// How the file stood then.
    private let mark: FileMark?

    private static let waitingByteCount = 4 << 20

    /// Begins after the commit that ends at `place`, with the frames of its generation up to there.
    ///
    /// Parameter compared: hashes of an earlier state; pages that are still the same are holes in the copy then, but for
    /// those that commits wrote. Where more than half of all changed, there are none.
    /// Returns: nil where the log is of another generation by now. Throws: as `BaseCopy.take`.
    static func begin(
        after place: LogPlace, of stream: UUIDBytes, _ files: consuming DatabaseFiles, to file: CopyFile,
        comparedWith compared: PageHashes? = nil, _ limits: BaseCopy.Limits
    ) throws(BaseCopy.Failure) -> FuzzyCopy? {
        let copy = try FuzzyCopy(at: place, of: stream, files, to: file, compared, limits)
        let read = try BaseCopy.reading { () throws(WALReadError) in try CaptureMachine.header(of: &copy.files) }
        guard case .header(let header) = read, header.salts.rawValue == place.salts, header.pageSize == copy.pageSize
        else { return nil }
        // Once more: before that, the end of the generation before may not have been in the file.
        try copy.measureFile()
        copy.phase = .seeding(FrameChain(header), goal: place.frame)
        return copy
    }

    /// Begins with the first commit of a generation, none of which is missing, and takes it in.
    ///
    /// Throws: as `BaseCopy.take`, and as `take`.
    convenience init(
        with first: CapturedCommit, of stream: UUIDBytes, _ files: consuming DatabaseFiles, to file: CopyFile,
        comparedWith compared: PageHashes? = nil, _ limits: BaseCopy.Limits
    ) throws(BaseCopy.Failure) {
        try self.init(at: first.place, of: stream, files, to: file, compared, limits)
        try take(first)
    }

    private init(
        at place: LogPlace, of stream: UUIDBytes, _ given: consuming DatabaseFiles, to file: CopyFile,
        _ compared: PageHashes?, _ limits: BaseCopy.Limits
    ) throws(BaseCopy.Failure) {
        var files = given
        files.findIndex()
        let index = try BaseCopy.index(of: &files)
        try BaseCopy.check(index, files.database, limits)
        pageSize = index.pageSize
        lockPage = SegmentLimits.lockPage(pageSize: UInt32(index.pageSize.byteCount))
        hashes = PageHashes(stream: stream)
        self.compared = compared
        self.limits = limits
        self.file = file
        written = (index.salts, index.backfilledFrameCount)
        mark = files.mark()
        self.files = files
        last = place
        try measureFile()
    }

    // MARK: Commits

    /// Pages that are the same in the state that it was compared with are not in it.
    var isSparse: Bool { compared != nil }

    /// The copy is the state after the last commit that was taken in.
    var isComplete: Bool { if case .complete = phase { true } else { false } }

    /// There is a piece to be read; otherwise commits are waited for.
    var hasPieces: Bool {
        switch phase {
        case .seeding, .copying: true
        case .read, .catchingUp, .complete: false
        }
    }

    /// Takes in the next commit; none may be missing in between.
    ///
    /// Throws: `busy` where the log began again before its first frames were read; `noIndex` for a commit that no index
    /// named; `unsupported` for a database that grows beyond what its files can hold, `tooLarge`; `unreadable` where the
    /// copy cannot be written.
    func take(_ commit: CapturedCommit) throws(BaseCopy.Failure) {
        // How far the file may be ahead of the commits, an index must tell.
        guard commit.status != .logged else { throw .noIndex }
        last = commit.place
        if case .seeding(let chain, _) = phase {
            // Read from the log in their turn: of a page that was written twice, the frame behind counts.
            guard last.salts == chain.salts.rawValue else { throw .busy }
            phase = .seeding(chain, goal: last.frame)
            return
        }
        let size = pageSize.byteCount
        guard commit.bytes.count == commit.pages.count * size, commit.pages.first != 0 else {
            throw .unsupported("a commit of pages that it cannot have")
        }
        try checkSize(max(commit.databasePageCount, commit.pages.last ?? 0), added: commit.pages.count)
        for (index, page) in commit.pages.enumerated() {
            try put(page, commit.bytes[index * size..<(index + 1) * size])
        }
        try resize(to: commit.databasePageCount)
        if case .catchingUp(let goal, let isMet) = phase { phase = Self.phase(at: last, goal, isMet: isMet) }
    }

    private static func phase(at place: LogPlace, _ goal: LogPlace, isMet: Bool) -> Phase {
        // Of another generation: one before the goal's, as long as none of that has come.
        guard place.salts == goal.salts else { return isMet ? .complete : .catchingUp(goal, isMet: false) }
        return place.frame >= goal.frame ? .complete : .catchingUp(goal, isMet: true)
    }

    /// From now on these are the page's contents.
    private func put(_ page: UInt32, _ bytes: ArraySlice<UInt8>) throws(BaseCopy.Failure) {
        waiting[page] = Array(bytes)
        let word = Int(page / 64)
        if word >= isCommitted.count {
            isCommitted.append(contentsOf: [UInt64](repeating: 0, count: word + 1 - isCommitted.count))
        }
        isCommitted[word] |= 1 << UInt64(page % 64)
        committedPageCount += 1
        highestPage = max(highestPage, page)
        if waiting.count * pageSize.byteCount >= Self.waitingByteCount { try writeWaiting() }
    }

    private func isPut(_ page: UInt32) -> Bool {
        let word = Int(page / 64)
        return word < isCommitted.count && isCommitted[word] & 1 << UInt64(page % 64) != 0
    }

    /// What a commit cut off is nothing any more, also where a later one grows over it.
    private func resize(to count: UInt32) throws(BaseCopy.Failure) {
        pageCount = count
        filePageCount = min(filePageCount, count)
        guard count < highestPage else { return }
        highestPage = count
        waiting = waiting.filter { $0.key <= count }
        hashes.truncate(to: count)
        try setFileSize()
    }

    /// Whoever writes the log can have a commit say any size.
    private func checkSize(_ count: UInt32, added: Int) throws(BaseCopy.Failure) {
        let size = Int64(pageSize.byteCount)
        let committed = (committedPageCount + Int64(added)) * size
        guard BaseCopy.isHeld(Int64(count) * size, by: databaseByteCount + committed) else {
            throw .unsupported("a commit tells of \(count) pages, which its files cannot hold")
        }
        guard Int64(count) * size <= limits.byteCount else { throw .tooLarge(Int64(count) * size) }
    }

    private func measureFile() throws(BaseCopy.Failure) {
        do throws(SyscallError) {
            databaseByteCount = try files.database.status().byteCount
        } catch {
            throw .unreadable(error.description)
        }
        filePageCount = UInt32(clamping: databaseByteCount / Int64(pageSize.byteCount))
    }

    // MARK: Pieces

    /// Reads the next piece. While commits are waited for it asks how far they must come, where that is not known yet.
    ///
    /// Throws: `busy` where it has to begin again; `noIndex`, `unsupported`, `tooLarge`, `unreadable`.
    func advance() throws(BaseCopy.Failure) {
        switch phase {
        case .seeding(let chain, let goal): try seed(chain, goal)
        case .copying: try copy()
        case .read: try setGoal()
        case .catchingUp, .complete: return
        }
    }

    private func seed(_ reached: FrameChain, _ goal: UInt32) throws(BaseCopy.Failure) {
        var chain = reached
        let size = pageSize.frameByteCount
        let count = Int(min(UInt32(max(1, limits.pieceByteCount / size)), goal - min(goal, chain.frame)))
        let offset = pageSize.offset(ofFrame: chain.frame + 1)
        var bytes: [UInt8] = []
        try BaseCopy.reading { () throws(WALReadError) in
            try files.readLog(at: offset, count: count * size, into: &bytes)
        }
        for start in stride(from: 0, to: count * size, by: size) {
            guard start + size <= bytes.count else { throw .busy }
            // SAFETY: the array lives through the call, which only reads it.
            let taken = unsafe chain.take(bytes.span.bytes.extracting(start..<start + size))
            // Overwritten by the next generation, or published without a checksum.
            guard case .success(let frame) = taken else { throw .busy }
            if chain.salts == written.salts, chain.frame <= written.frame {
                if frame.isCommit { pageCount = frame.databasePageCount }
                continue
            }
            try checkSize(max(frame.page, frame.databasePageCount), added: 1)
            try put(frame.page, bytes[start + WALFrameHeader.byteCount..<start + size])
            if frame.isCommit { try resize(to: frame.databasePageCount) }
        }
        phase = chain.frame < goal ? .seeding(chain, goal: goal) : .copying
    }

    private func copy() throws(BaseCopy.Failure) {
        guard nextPage <= filePageCount else {
            if let compared, hashes.differing(from: compared).count > Int(hashes.pageCount) / 2 {
                // What was left out is read now: until a commit writes it, nobody does.
                self.compared = nil
                nextPage = 1
                return
            }
            phase = .read
            return try setGoal()
        }
        let size = pageSize.byteCount
        let wanted = min(UInt32(max(1, limits.pieceByteCount / size)), filePageCount - nextPage + 1)
        var bytes: [UInt8] = []
        do throws(SyscallError) {
            try files.database.read(
                upTo: Int(wanted) * size, at: Int64(nextPage - 1) * Int64(size), appendingTo: &bytes)
        } catch {
            throw .unreadable(error.description)
        }
        let piece = nextPage..<nextPage + UInt32(bytes.count / size)
        // It was cut, as a commit says that will come.
        guard !piece.isEmpty else { return filePageCount = nextPage - 1 }
        highestPage = max(highestPage, piece.upperBound - 1)
        var start = piece.lowerBound
        for page in piece {
            let place = Int(page - piece.lowerBound) * size
            if !isPut(page) {
                setHash(page, bytes, place..<place + size)
                guard isSame(page) else { continue }
            }
            try write(start..<page, bytes, of: piece)
            start = page + 1
        }
        try write(start..<piece.upperBound, bytes, of: piece)
        nextPage = piece.upperBound
    }

    /// Asks the index, after the file was read: of commits behind that nothing can have been in it.
    private func setGoal() throws(BaseCopy.Failure) {
        let index = try BaseCopy.reading { () throws(WALReadError) in try CaptureMachine.index(of: &files) }
        // Of what else may have been written to the file, this index does not tell.
        guard files.isUndisturbed else { throw .busy }
        if let mark, files.mark()?.isUnexplained(since: mark) == true { throw .busy }
        // While it is being written, and before the first commit of a generation, it does not say which was the last one.
        guard let index, index.lastFrame > 0 else { return }
        guard index.pageSize == pageSize else { throw .busy }
        phase = Self.phase(at: last, LogPlace(salts: index.salts.rawValue, frame: index.lastFrame), isMet: false)
    }

    // MARK: The copy

    private func isSame(_ page: UInt32) -> Bool {
        hashes[page] != 0 && compared.map { $0[page] == hashes[page] } ?? false
    }

    private func setHash(_ page: UInt32, _ bytes: [UInt8], _ range: Range<Int>) {
        hashes.set(page, page == lockPage ? 0 : hashes.hash(of: page, bytes, range))
    }

    private func writeWaiting() throws(BaseCopy.Failure) {
        for (page, bytes) in waiting {
            setHash(page, bytes, 0..<bytes.count)
            try write(page, bytes)
        }
        waiting.removeAll(keepingCapacity: true)
    }

    /// Writes a part of what was read of the file.
    private func write(_ pages: Range<UInt32>, _ bytes: [UInt8], of piece: Range<UInt32>) throws(BaseCopy.Failure) {
        guard !pages.isEmpty else { return }
        let size = pageSize.byteCount
        let start = Int(pages.lowerBound - piece.lowerBound) * size
        try write(pages.lowerBound, Array(bytes[start..<start + pages.count * size]))
    }

    private func write(_ page: UInt32, _ bytes: [UInt8]) throws(BaseCopy.Failure) {
        let offset = Int64(page - 1) * Int64(pageSize.byteCount)
        try BaseCopy.writing { () throws(SyscallError) in try file.descriptor.write(bytes, at: offset) }
    }

    private func setFileSize() throws(BaseCopy.Failure) {
        let byteCount = Int64(pageCount) * Int64(pageSize.byteCount)
        try BaseCopy.writing { () throws(SyscallError) in try file.descriptor.truncate(to: byteCount) }
    }

    /// Ends a complete copy: the file has the size and the pages of the last commit, of which these are the hashes.
    ///
    /// Throws: `unreadable` where the copy cannot be written.
    func finish() throws(BaseCopy.Failure) -> PageHashes {
        try writeWaiting()
        try setFileSize()
        var hashes = hashes
        hashes.resize(to: pageCount)
        // Taken and given back in one transaction, a page is in neither file nor log: SQLite reads zeros there.
        let empty = [UInt8](repeating: 0, count: pageSize.byteCount)
        for index in 0..<pageCount where index + 1 != lockPage && hashes[index + 1] == 0 {
            hashes.set(index + 1, hashes.hash(of: index + 1, empty, 0..<empty.count))
        }
        return hashes
    }
}

extension CapturedCommit {
    /// Where it ended in the log.
    var place: LogPlace { LogPlace(salts: salts, frame: frame) }
}
