import Block
import Model
import Segment
import Store
import Syscalls

/// A file without a name that a copy of a database is in; it goes with its last owner.
final class CopyFile {
    let descriptor: OwnedDescriptor

    /// Throws: `SyscallError` where the filesystem of `directory` has no such files.
    init(in directory: RawPath) throws(SyscallError) {
        descriptor = try OwnedDescriptor.unnamedFile(in: directory)
    }

    /// Of the pages in it. Cost: it is read once. Throws: `SyscallError`.
    func hashes(of stream: UUIDBytes, pageSize: UInt32, pageCount: UInt32) throws(SyscallError) -> PageHashes {
        var hashes = PageHashes(stream: stream)
        let lockPage = SegmentLimits.lockPage(pageSize: pageSize)
        let size = Int(pageSize)
        var page: UInt32 = 1
        while page <= pageCount {
            let count = min(UInt32(SegmentLimits.pageCount(pageSize: size)), pageCount - page + 1)
            let bytes = try pages(from: page, count: Int(count), pageSize: size)
            for start in stride(from: 0, to: bytes.count, by: size) {
                hashes.set(page, page == lockPage ? 0 : hashes.hash(of: page, bytes, start..<start + size))
                page += 1
            }
        }
        return hashes
    }

    /// Pages that follow one another; zeros where the file has none: the lock page may be a hole at its end.
    func pages(from first: UInt32, count: Int, pageSize: Int) throws(SyscallError) -> [UInt8] {
        var bytes: [UInt8] = []
        _ = try descriptor.read(upTo: count * pageSize, at: Int64(first - 1) * Int64(pageSize), appendingTo: &bytes)
        if bytes.count < count * pageSize { bytes += [UInt8](repeating: 0, count: count * pageSize - bytes.count) }
        return bytes
    }

    /// Appends pages, whose numbers ascend, one after the other; what stands side by side is read at one go.
    func appendPages(_ numbers: ArraySlice<UInt32>, pageSize: Int, to bytes: inout [UInt8]) throws(SyscallError) {
        var rest = numbers
        while let first = rest.first {
            let next = rest.enumerated().first { $0.element != first + UInt32($0.offset) }?.offset ?? rest.count
            bytes += try pages(from: first, count: next, pageSize: pageSize)
            rest = rest.dropFirst(next)
        }
    }
}

/// A base image that is being made of a finished copy, piece by piece. Thread: one.
final class BaseImageWriting {
    private let header: BaseImageHeader
    private var image: BaseImageFile?
    private let copy: CopyFile
    private let state: UInt64?
    /// The pages of a rebase; nil for all.
    private let changed: [UInt32]?

    /// Parameters: `changes` what a rebase is to hold, nil for a whole image; `state` the one that the copy is known to
    /// have, where it is known.
    /// Throws: `StoreError`.
    init(
        _ header: BaseImageHeader, of copy: CopyFile, changes: PageChanges?, state: UInt64?, in files: SegmentFiles
    ) throws(StoreError) {
        image = try files.beginBaseImage(header, changes: changes)
        self.header = header
        self.copy = copy
        self.state = state
        changed = changes?.pages
    }

    private var remainingPageCount: Int {
        guard let taken = image?.takenPageCount else { return 0 }
        return (changed?.count ?? Int(header.pageCount)) - taken
    }

    /// How much of the copy is still to be read, in bytes.
    var remainingByteCount: Int64 { Int64(remainingPageCount) * Int64(header.pageSize) }

    /// Takes in the next pages. Throws: `SyscallError`, `StoreError`.
    func writePiece() throws {
        guard let taken = image?.takenPageCount, remainingPageCount > 0 else { return }
        let size = Int(header.pageSize)
        let count = min(SegmentLimits.pageCount(pageSize: size), remainingPageCount)
        guard let changed else {
            try image?.append(try copy.pages(from: UInt32(taken) + 1, count: count, pageSize: size))
            return
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * size)
        try copy.appendPages(changed[taken..<taken + count], pageSize: size, to: &bytes)
        try image?.append(bytes)
    }

    /// Writes what is missing and makes it durable; to be called once.
    ///
    /// Throws: `SyscallError`; `StoreError`, also where the copy has another state than it was known to have: nothing is
    /// left of the image then.
    func finish() throws -> (row: BaseImageRow, hashes: PageHashes) {
        while remainingByteCount > 0 { try writePiece() }
        guard let image = image.take() else { preconditionFailure("a base image is finished once") }
        if let state, image.state != state {
            throw StoreError(.corrupt, "the copy of a database was changed before its image was written")
        }
        return try image.finish()
    }
}
