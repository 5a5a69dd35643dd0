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
}

/// A base image that is being made of a finished copy, piece by piece. Thread: one.
final class BaseImageWriting {
    private let header: BaseImageHeader
    private var image: BaseImageFile?
    private let copy: CopyFile
    private let state: UInt64?
    private static let pieceByteCount = 1 << 20

    /// Parameter state: the one that the copy is known to have, where it is known.
    /// Throws: `StoreError`.
    init(_ header: BaseImageHeader, of copy: CopyFile, state: UInt64?, in files: SegmentFiles) throws(StoreError) {
        image = try files.beginBaseImage(header)
        self.header = header
        self.copy = copy
        self.state = state
    }

    /// How much of the copy is still to be read, in bytes.
    var remainingByteCount: Int64 {
        let nextPage = image?.nextPage ?? header.pageCount + 1
        return (Int64(header.pageCount) + 1 - Int64(nextPage)) * Int64(header.pageSize)
    }

    /// Takes in the next pages. Throws: `SyscallError`, `StoreError`.
    func writePiece() throws {
        guard remainingByteCount > 0, let first = image?.nextPage else { return }
        let size = Int(header.pageSize)
        let count = Int(min(UInt32(max(1, Self.pieceByteCount / size)), header.pageCount - first + 1))
        var bytes: [UInt8] = []
        _ = try copy.descriptor.read(upTo: count * size, at: Int64(first - 1) * Int64(size), appendingTo: &bytes)
        // The lock page may be a hole at the end of the copy.
        if bytes.count < count * size { bytes += [UInt8](repeating: 0, count: count * size - bytes.count) }
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
