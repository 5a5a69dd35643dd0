internal import Block
internal import Glibc
internal import Model
package import Segment
internal import Syscalls

/// A base image that is being written, slice by slice; nothing is under its own name before `finish`.
///
/// When the value's life ends before that, its file is removed. Thread: any, one at a time.
package struct BaseImageFile: ~Copyable {
    private var encoder: BaseImageEncoder
    private let file: TemporaryFile
    private let path: RawPath
    private let directory: RawPath
    private var byteCount: UInt64 = 0
    private var unsyncedByteCount = 0
    private static let syncedByteCount = 16 << 20

    /// What has been put in so far is written out when it exceeds this.
    private var pending: [UInt8] = []

    init(
        _ header: BaseImageHeader, changes: PageChanges?, path: RawPath, directory: RawPath
    ) throws(StoreError) {
        let newEncoder: BaseImageEncoder
        do {
            newEncoder = try BaseImageEncoder(header, changes: changes)
        } catch {
            throw StoreError(.corrupt, "a base image of it cannot be made: \(error)", path: path)
        }
        let newFile = try TemporaryFile(SegmentFiles.temporary(path))
        encoder = newEncoder
        file = newFile
        self.path = path
        self.directory = directory
        pending = encoder.start
    }

    /// How many pages were taken in.
    package var takenPageCount: Int { encoder.takenPageCount }
    /// Of the pages so far; of a rebase its own.
    package var state: UInt64 { encoder.hashes.state }

    /// Takes in the next pages, whole. Throws: `diskFull`, `cannotWrite`, `corrupt` where they do not fit.
    package mutating func append(_ pages: [UInt8]) throws(StoreError) {
        do {
            try encoder.append(pages, to: &pending)
        } catch {
            throw StoreError(.corrupt, "\(error)", path: path)
        }
        if pending.count >= 1 << 20 { try writeOut() }
    }

    /// Makes it durable under its own name; gives its row and the hashes that commits after it build on.
    ///
    /// Cost: two syncs. Throws: `diskFull`, `cannotWrite`, `corrupt` when pages are missing.
    package consuming func finish() throws(StoreError) -> (row: BaseImageRow, hashes: PageHashes) {
        let end: BaseImageEncoder.End
        do {
            end = try encoder.finish()
        } catch {
            throw StoreError(.corrupt, "\(error)", path: path)
        }
        pending += end.bytes
        try writeOut()
        do {
            try file.place(at: path)
            try SegmentFiles.syncDirectory(directory)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the base image cannot be written", path: path)
        }
        let row = BaseImageRow(encoder.header, state: end.state, byteCount: byteCount, hash: end.hash)
        return (row, encoder.hashes)
    }

    private mutating func writeOut() throws(StoreError) {
        do {
            try file.write(pending)
            unsyncedByteCount += pending.count
            // Whoever writes a large one in pieces is held up by none of them for long, nor by the last.
            if unsyncedByteCount >= Self.syncedByteCount {
                try file.syncData()
                unsyncedByteCount = 0
            }
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the base image cannot be written", path: path)
        }
        byteCount += UInt64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }
}

/// A file that is removed when its owner's life ends, unless it was given its place.
private struct TemporaryFile: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let path: RawPath

    init(_ path: RawPath) throws(StoreError) {
        do {
            descriptor = try SegmentFiles.create(path)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the base image cannot be made", path: path)
        }
        self.path = path
    }

    deinit {
        // After `place` there is nothing of that name.
        try? Files.unlink(path)
    }

    borrowing func write(_ bytes: [UInt8]) throws(SyscallError) {
        try descriptor.write(bytes)
    }

    borrowing func syncData() throws(SyscallError) {
        try descriptor.syncData()
    }

    borrowing func place(at target: RawPath) throws(SyscallError) {
        try descriptor.syncData()
        try Files.rename(path, to: target)
    }
}
