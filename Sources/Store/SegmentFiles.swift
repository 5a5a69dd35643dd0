package import Block
internal import Glibc
package import Model
package import Segment
internal import Syscalls

/// The files below `segments/`: one directory a stream, in it segments and base images, each immutable.
///
/// A file is written under another name, made durable and renamed, so under its own name it is whole. Its row follows with
/// the store's next commit; what a crash leaves between the two is dealt with at the next start (`SegmentRecovery`).
/// Thread: any; writers of one stream one at a time.
package struct SegmentFiles: Sendable {
    package let directory: RawPath

    package init(store: RawPath) {
        directory = StoreLayout(directory: store).segments
    }

    package func directory(of stream: UUIDBytes) -> RawPath {
        directory.appending(Array(stream.hexadecimalText.utf8))
    }

    package func path(of row: SegmentRow) -> RawPath {
        directory(of: row.stream).appending(Self.name(first: row.firstCommit, last: row.lastCommit))
    }

    package func path(of row: BaseImageRow) -> RawPath {
        directory(of: row.stream).appending(Self.name(base: row.commit))
    }

    /// Writes a segment; when it returns, no loss of power takes it away.
    ///
    /// Cost: two syncs. Throws: `diskFull`, `cannotWrite`; nothing is left then.
    package func write(_ segment: EncodedSegment) throws(StoreError) -> SegmentRow {
        let row = SegmentRow(segment.header, hash: segment.hash)
        let path = path(of: row)
        try prepareDirectory(of: row.stream)
        let temporary = Self.temporary(path)
        do throws(SyscallError) {
            let file = try Self.create(temporary)
            try file.write(segment.bytes)
            try file.syncData()
            try file.close()
            try Files.rename(temporary, to: path)
            try Self.syncDirectory(directory(of: row.stream))
        } catch {
            try? Files.unlink(temporary)
            throw StoreError(error, otherwise: .cannotWrite, "the segment cannot be written", path: path)
        }
        return row
    }

    /// Begins a base image, which is written in slices. Throws: `diskFull`, `cannotWrite`, `corrupt` (page size).
    package func beginBaseImage(_ header: BaseImageHeader) throws(StoreError) -> BaseImageFile {
        try prepareDirectory(of: header.stream)
        return try BaseImageFile(
            header, path: directory(of: header.stream).appending(Self.name(base: header.commit)),
            directory: directory(of: header.stream))
    }

    /// Makes `segments/` and the stream's directory, durably.
    private func prepareDirectory(of stream: UUIDBytes) throws(StoreError) {
        let path = directory(of: stream)
        guard !path.exists else { return }
        do throws(SyscallError) {
            for path in [directory, path] where !path.exists {
                try Files.makeDirectories(path, mode: StoreLayout.directoryPermissions)
                try Files.setPermissions(path, mode: StoreLayout.directoryPermissions)
                if let parent = path.parent { try Self.syncDirectory(parent) }
            }
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "the directory of segments cannot be made", path: path)
        }
    }

    // MARK: Names

    static let segmentSuffix = ".vseg"
    static let baseSuffix = ".vbase"
    static let temporarySuffix = ".tmp"

    static func name(first: UInt64, last: UInt64) -> [UInt8] {
        Array("\(digits(first))-\(digits(last))\(segmentSuffix)".utf8)
    }

    static func name(base commit: UInt64) -> [UInt8] {
        Array("\(digits(commit))\(baseSuffix)".utf8)
    }

    static func temporary(_ path: RawPath) -> RawPath {
        RawPath(path.bytes + Array(temporarySuffix.utf8))
    }

    private static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    static func create(_ path: RawPath) throws(SyscallError) -> OwnedDescriptor {
        let file = try OwnedDescriptor.open(
            path, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: StoreLayout.filePermissions)
        // The umask must not keep a group of readers out.
        try Files.setPermissions(path, mode: StoreLayout.filePermissions)
        return file
    }

    static func syncDirectory(_ path: RawPath) throws(SyscallError) {
        try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY).sync()
    }
}
