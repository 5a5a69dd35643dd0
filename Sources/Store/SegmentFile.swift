internal import Block
internal import Glibc
package import Model
package import Segment
internal import Syscalls

/// A segment file, open for reading: its index is read and checked, its blocks are read as they are asked for.
package struct SegmentFile: ~Copyable {
    package private(set) var index: SegmentIndex
    /// Of a file that was joined with others, the joined one.
    package let path: RawPath
    private let file: OwnedDescriptor

    /// Throws: `corrupt` where it is damaged or not the one that the row means; `cannotRead`.
    init(_ row: SegmentRow, path: RawPath, _ opened: consuming OwnedDescriptor) throws(StoreError) {
        let header = try StoreError.explaining(path) { () throws(SegmentError) in
            try SegmentHeader(try Self.read(opened, path, SegmentHeader.greatestByteCount, at: 0))
        }
        guard SegmentRow(header, hash: row.hash) == row else {
            throw StoreError(.corrupt, "the segment is not the one that its row names", path: path)
        }
        try self.init(header, path: path, opened)
    }

    /// The part of a joined segment that stands for the file of a row. Throws: as above.
    init(_ row: SegmentRow, in joined: RawPath, _ opened: consuming OwnedDescriptor) throws(StoreError) {
        let header = try StoreError.explaining(joined) { () throws(SegmentError) in
            try SegmentHeader(try Self.read(opened, joined, SegmentHeader.greatestByteCount, at: 0))
        }
        var whole = try Self(header, path: joined, opened)
        let part = try StoreError.explaining(joined) { () throws(SegmentError) in
            try whole.index.part(row.firstCommit, through: row.lastCommit)
        }
        guard part.header.stream == row.stream, part.header.low == row.low, part.header.high == row.high,
            part.header.stateBefore == row.stateBefore, part.header.stateAfter == row.stateAfter,
            part.header.pagesBefore == row.pagesBefore, part.header.pagesAfter == row.pagesAfter
        else { throw StoreError(.corrupt, "the joined segment does not have what the row names", path: joined) }
        whole.index = part
        self = whole
    }

    private init(
        _ header: SegmentHeader, path: RawPath, _ opened: consuming OwnedDescriptor
    ) throws(StoreError) {
        let table = try Self.bytes(opened, path, header.tableByteCount, at: SegmentIndex.tableOffset(header))
        index = try StoreError.explaining(path) { () throws(SegmentError) in
            try SegmentIndex(header: header, tableBytes: table)
        }
        file = opened
        self.path = path
    }

    /// A block as stored. Throws: `corrupt`, `cannotRead`.
    package borrowing func block(_ number: Int) throws(StoreError) -> [UInt8] {
        try Self.bytes(file, path, index.table.blocks[number].byteCount, at: index.blockOffsets[number])
    }

    /// Neither a link nor a FIFO in a file's place may lead anywhere or hold anybody up.
    static let openFlags: Int32 = O_RDONLY | O_NOFOLLOW | O_NONBLOCK

    /// What the row of a file would say, by its header and footer alone. Throws: `corrupt`, `cannotRead`.
    static func row(_ path: RawPath) throws(StoreError) -> SegmentRow {
        let file = try open(path)
        let header = try StoreError.explaining(path) { () throws(SegmentError) in
            try SegmentHeader(try read(file, path, SegmentHeader.greatestByteCount, at: 0))
        }
        let fileByteCount: Int64
        do {
            fileByteCount = try file.status().byteCount
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be read", path: path)
        }
        guard fileByteCount == Int64(header.fileByteCount) else {
            throw StoreError(.corrupt, "the file is of another size than its header says", path: path)
        }
        let footer = try bytes(
            file, path, SegmentHeader.footerByteCount, at: header.fileByteCount - SegmentHeader.footerByteCount)
        guard let hash = EventsHash(Array(footer[..<16])) else {
            throw StoreError(.corrupt, "the file is cut short", path: path)
        }
        return SegmentRow(header, hash: hash)
    }

    static func open(_ path: RawPath) throws(StoreError) -> OwnedDescriptor {
        guard let file = try openIfThere(path) else {
            throw StoreError(.corrupt, "a file of watched databases is missing", path: path)
        }
        return file
    }

    static func openIfThere(_ path: RawPath) throws(StoreError) -> OwnedDescriptor? {
        do {
            return try OwnedDescriptor.open(path, flags: openFlags)
        } catch {
            guard error.isMissing else {
                throw StoreError(error, otherwise: .cannotRead, "it cannot be read", path: path)
            }
            return nil
        }
    }

    /// Exactly `count` bytes. Throws: `corrupt` where the file ends before.
    static func bytes(
        _ file: borrowing OwnedDescriptor, _ path: RawPath, _ count: Int, at offset: Int
    ) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            try file.read(upTo: count, at: Int64(offset), appendingTo: &bytes)
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be read", path: path)
        }
        guard bytes.count == count else { throw StoreError(.corrupt, "the file is cut short", path: path) }
        return bytes
    }

    private static func read(
        _ file: borrowing OwnedDescriptor, _ path: RawPath, _ count: Int, at offset: Int
    ) throws(SegmentError) -> [UInt8] {
        do {
            return try bytes(file, path, count, at: offset)
        } catch {
            throw SegmentError(.damaged, error.message)
        }
    }
}

/// A base image file, open for reading.
package struct BaseImageReader: ~Copyable {
    package let index: BaseImageIndex
    package let path: RawPath
    package let byteCount: UInt64
    private let file: OwnedDescriptor

    /// Throws: `corrupt` where it is missing, damaged or not the one that the row means; `cannotRead`.
    init(_ row: BaseImageRow?, path: RawPath) throws(StoreError) {
        let opened = try SegmentFile.open(path)
        let fileByteCount: Int
        do {
            fileByteCount = Int(try opened.status().byteCount)
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be read", path: path)
        }
        let footerByteCount = BaseImageHeader.footerByteCount
        guard fileByteCount >= BaseImageHeader.leastByteCount + footerByteCount else {
            throw StoreError(.corrupt, "the file is cut short", path: path)
        }
        let head = try SegmentFile.bytes(opened, path, BaseImageHeader.greatestByteCount, at: 0)
        let footer = try SegmentFile.bytes(opened, path, footerByteCount, at: fileByteCount - footerByteCount)
        guard let count = BaseImageIndex.indexByteCount(footer: footer, fileByteCount: fileByteCount) else {
            throw StoreError(.corrupt, "the base image has no end", path: path)
        }
        let tail = try SegmentFile.bytes(
            opened, path, count + footerByteCount, at: fileByteCount - count - footerByteCount)
        let read = try StoreError.explaining(path) { () throws(SegmentError) in
            try BaseImageIndex(header: try BaseImageHeader(head), tail: tail, fileByteCount: fileByteCount)
        }
        let found = BaseImageRow(
            read.header, state: read.state, byteCount: UInt64(fileByteCount), hash: read.hash)
        guard row == nil || found == row else {
            throw StoreError(.corrupt, "the base image is not the one that its row names", path: path)
        }
        index = read
        byteCount = UInt64(fileByteCount)
        file = opened
        self.path = path
    }

    /// A block as stored. Throws: `corrupt`, `cannotRead`.
    package borrowing func block(_ number: Int) throws(StoreError) -> [UInt8] {
        try SegmentFile.bytes(file, path, index.blocks[number].byteCount, at: index.blocks[number].offset)
    }

    /// The pages of a block, one after the other. Throws: `corrupt`, `cannotRead`.
    package borrowing func pages(
        ofBlock number: Int, _ unpacker: inout BlockUnpacker
    ) throws(StoreError) -> [UInt8] {
        let stored = try block(number)
        do {
            return try unpacker.unpack(index.blocks[number], stored: stored, pageSize: Int(index.header.pageSize))
        } catch {
            throw StoreError(.corrupt, "\(error)", path: path)
        }
    }
}

extension SegmentFiles {
    /// Of a file that was joined with others since its row was read, that part of the joined one.
    package func open(_ row: SegmentRow) throws(StoreError) -> SegmentFile {
        let path = path(of: row)
        for _ in 0..<Self.greatestJoinCount {
            if let file = try SegmentFile.openIfThere(path) { return try SegmentFile(row, path: path, file) }
            let joined = joined(over: row)
            if joined.isEmpty { break }
            var problem: StoreError?
            // After a restore from an archive there may be one of commits that had these numbers in another history.
            for path in joined {
                guard let file = try SegmentFile.openIfThere(path) else { continue }
                do throws(StoreError) {
                    return try SegmentFile(row, in: path, file)
                } catch {
                    problem = error
                }
            }
            if let problem { throw problem }
        }
        throw StoreError(.corrupt, "a file of watched databases is missing", path: path)
    }

    /// How often a file may be joined anew while it is being opened.
    private static let greatestJoinCount = 4

    /// Files with the commits of a row and others. Cost: one listing.
    private func joined(over row: SegmentRow) -> [RawPath] {
        let directory = directory(of: row.stream)
        guard let names = try? Self.listing(of: directory) else { return [] }
        return names.segments.filter {
            $0.first <= row.firstCommit && $0.last >= row.lastCommit
                && ($0.first, $0.last) != (row.firstCommit, row.lastCommit)
        }.map { directory.appending(Self.name(first: $0.first, last: $0.last)) }
    }

    package func open(_ row: BaseImageRow) throws(StoreError) -> BaseImageReader {
        try BaseImageReader(row, path: path(of: row))
    }

    /// Every byte of a segment's own file. Throws: `corrupt` where it is missing or of another size; `cannotRead`.
    package func contents(of row: SegmentRow) throws(StoreError) -> [UInt8] {
        let path = path(of: row)
        guard row.byteCount < 1 << 40 else { throw StoreError(.corrupt, "its row says too many bytes", path: path) }
        return try SegmentFile.bytes(try SegmentFile.open(path), path, Int(row.byteCount), at: 0)
    }

    /// Reads every byte of a segment and compares its hash with the row's. Throws: `corrupt`, `cannotRead`.
    package func verify(_ row: SegmentRow) throws(StoreError) {
        for _ in 1..<Self.greatestJoinCount {
            do throws(StoreError) {
                return try verifyAsItIs(row)
            } catch  where error.path?.exists == false {
                // It was joined during the look.
            }
        }
        try verifyAsItIs(row)
    }

    private func verifyAsItIs(_ row: SegmentRow) throws(StoreError) {
        let path = try open(row).path
        let row = path == self.path(of: row) ? row : try SegmentFile.row(path)
        let bytes = try contents(of: row)
        let hash = try StoreError.explaining(path) { () throws(SegmentError) in
            try SegmentIndex.hash(ofFile: bytes, try SegmentHeader(bytes))
        }
        guard hash == row.hash else { throw StoreError(.corrupt, "its hash is not the row's", path: path) }
    }

    /// Reads every byte of a segment or base image that no row names. Throws: `corrupt`, `cannotRead`.
    func verify(fileAt path: RawPath, of stream: UUIDBytes) throws(StoreError) {
        if path.bytes.suffix(SegmentFiles.baseSuffix.utf8.count).elementsEqual(SegmentFiles.baseSuffix.utf8) {
            let reader = try BaseImageReader(nil, path: path)
            guard reader.index.header.stream == stream else {
                throw StoreError(.corrupt, "it belongs to another database", path: path)
            }
            return try reader.verify()
        }
        let row = try SegmentFile.row(path)
        guard row.stream == stream, self.path(of: row) == path else {
            throw StoreError(.corrupt, "the segment is not the one that its name means", path: path)
        }
        try verify(row)
    }

    /// Reads every page of a base image and compares their hashes. Throws: `corrupt`, `cannotRead`.
    package func verify(_ row: BaseImageRow) throws(StoreError) {
        let reader = try open(row)
        try reader.verify()
    }
}

extension BaseImageReader {
    /// Reads all pages of a whole image in order and checks that they give the recorded state. `body` gets each and its
    /// number.
    ///
    /// Throws: `corrupt`, also for a rebase; `cannotRead`, and what `body` throws as a StoreError.
    package borrowing func hashes(
        _ body: (UInt32, ArraySlice<UInt8>) throws(StoreError) -> Void
    ) throws(StoreError) -> PageHashes {
        guard index.header.rebase == nil else {
            throw StoreError(.corrupt, "it holds only the pages that changed", path: path)
        }
        var hashes = PageHashes(stream: index.header.stream)
        try forEachPage { (page, bytes, range) throws(StoreError) in
            hashes.set(page, hashes.hash(of: page, bytes, range))
            try body(page, bytes[range])
        }
        hashes.resize(to: index.header.pageCount)
        guard hashes.state == index.state else {
            throw StoreError(.corrupt, "its pages do not give the recorded state", path: path)
        }
        return hashes
    }

    /// Reads every page and compares their hashes: of a whole image with the state, of a rebase with what it says of the
    /// pages that it holds. Throws: `corrupt`, `cannotRead`.
    borrowing func verify() throws(StoreError) {
        guard index.header.rebase != nil else {
            _ = try hashes { _, _ in }
            return
        }
        let keyed = PageHashes(stream: index.header.stream)
        var heldState: UInt64 = 0
        try forEachPage { (page, bytes, range) throws(StoreError) in
            heldState ^= keyed.hash(of: page, bytes, range)
        }
        guard heldState == index.heldState else {
            throw StoreError(.corrupt, "its pages do not give the recorded hashes", path: path)
        }
    }

    /// Reads the pages that the file holds, in order; `body` gets the number of each, its block, and where it lies in that.
    private borrowing func forEachPage(
        _ body: (UInt32, [UInt8], Range<Int>) throws(StoreError) -> Void
    ) throws(StoreError) {
        let size = Int(index.header.pageSize)
        let lockPage = SegmentLimits.lockPage(pageSize: index.header.pageSize)
        var unpacker = try StoreError.explaining(path) { () throws(SegmentError) in try BlockUnpacker() }
        var held = index.pages[...]
        for number in index.blocks.indices {
            let bytes = try pages(ofBlock: number, &unpacker)
            var page = index.blocks[number].firstPage
            for start in stride(from: 0, to: bytes.count, by: size) {
                if let next = held.popFirst() {
                    page = next
                } else if page == lockPage {
                    page += 1
                }
                try body(page, bytes, start..<start + size)
                page &+= 1
            }
        }
    }
}

extension StoreError {
    /// What the codec finds wrong is damage of the file it was read from.
    static func explaining<Value: ~Copyable>(
        _ path: RawPath, _ body: () throws(SegmentError) -> Value
    ) throws(StoreError) -> Value {
        do {
            return try body()
        } catch {
            throw StoreError(.corrupt, "\(error)", path: path)
        }
    }
}
