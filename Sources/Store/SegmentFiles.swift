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

    /// Files that are kept elsewhere in the same form, as in an archive.
    package init(directory: RawPath) {
        self.directory = directory
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
        try prepareDirectory(of: row.stream)
        try Self.place(segment.bytes, at: path(of: row))
        return row
    }

    /// Makes a file with these contents; when it returns, it is whole and durable, and until then not under its name.
    ///
    /// Cost: two syncs. Throws: `diskFull`, `cannotWrite`; nothing is left then.
    static func place(_ bytes: [UInt8], at path: RawPath) throws(StoreError) {
        let temporary = temporary(path)
        do throws(SyscallError) {
            let file = try create(temporary)
            try file.write(bytes)
            try file.syncData()
            try file.close()
            try Files.rename(temporary, to: path)
            if let parent = path.parent { try syncDirectory(parent) }
        } catch {
            try? Files.unlink(temporary)
            throw StoreError(error, otherwise: .cannotWrite, "it cannot be written", path: path)
        }
    }

    /// Copies the file that a row names from elsewhere, or the one that it was joined to. Returns: false where neither is there.
    ///
    /// Throws: `diskFull`, `cannotWrite`.
    package func take(_ row: SegmentRow, from other: SegmentFiles) throws(StoreError) -> Bool {
        try prepareDirectory(of: row.stream)
        if try Self.copy(other.path(of: row), to: path(of: row)) { return true }
        guard let joined = try? other.open(row).path else { return false }
        let path = directory(of: row.stream).appending(RawPath.lastName(of: joined.bytes))
        if path.exists { return true }
        return try Self.copy(joined, to: path)
    }

    /// The same of a base image.
    package func take(_ row: BaseImageRow, from other: SegmentFiles) throws(StoreError) -> Bool {
        try prepareDirectory(of: row.stream)
        return try Self.copy(other.path(of: row), to: path(of: row))
    }

    /// Copies a file; under its name it is whole and durable, once its directory is synced. False where there is none.
    static func copy(_ source: RawPath, to path: RawPath) throws(StoreError) -> Bool {
        let temporary = temporary(path)
        do throws(SyscallError) {
            let file: OwnedDescriptor
            do throws(SyscallError) {
                file = try OwnedDescriptor.open(source, flags: SegmentFile.openFlags)
            } catch {
                guard error.errno == ENOENT else { throw error }
                return false
            }
            let copy = try create(temporary)
            var bytes: [UInt8] = []
            var offset: Int64 = 0
            while try file.read(upTo: copiedByteCount, at: offset, appendingTo: &bytes) > 0 {
                try copy.write(bytes)
                offset += Int64(bytes.count)
                bytes.removeAll(keepingCapacity: true)
            }
            try copy.syncData()
            try Files.rename(temporary, to: path)
            return true
        } catch {
            try? Files.unlink(temporary)
            throw StoreError(error, otherwise: .cannotWrite, "the file of a database cannot be copied", path: path)
        }
    }

    private static let copiedByteCount = 1 << 20

    /// Begins a base image, which is written in slices; with `changes` a rebase of these pages.
    ///
    /// Throws: `diskFull`, `cannotWrite`, `corrupt` (page size).
    package func beginBaseImage(
        _ header: BaseImageHeader, changes: PageChanges? = nil
    ) throws(StoreError) -> BaseImageFile {
        try prepareDirectory(of: header.stream)
        return try BaseImageFile(
            header, changes: changes, path: directory(of: header.stream).appending(Self.name(base: header.commit)),
            directory: directory(of: header.stream))
    }

    /// Makes `segments/` and the stream's directory, durably.
    func prepareDirectory(of stream: UUIDBytes) throws(StoreError) {
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

    /// The segments and base images in a stream's directory, by what their names say, in order; other names are left out.
    static func listing(
        of directory: RawPath
    ) throws(StoreError) -> (segments: [(first: UInt64, last: UInt64)], bases: [UInt64]) {
        var segments: [(first: UInt64, last: UInt64)] = []
        var bases: [UInt64] = []
        do {
            for name in try Files.names(in: directory) {
                if let numbers = Self.numbers(ofSegment: name.bytes) { segments.append(numbers) }
                if let commit = number(ofBase: name.bytes) { bases.append(commit) }
            }
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be listed", path: directory)
        }
        return (segments.sorted { $0 < $1 }, bases.sorted())
    }

    static func numbers(ofSegment name: [UInt8]) -> (first: UInt64, last: UInt64)? {
        guard name.count == 33 + segmentSuffix.utf8.count, name[16] == UInt8(ascii: "-"),
            name[33...].elementsEqual(segmentSuffix.utf8), let first = number(name[..<16]),
            let last = number(name[17..<33])
        else { return nil }
        return (first, last)
    }

    private static func number(ofBase name: [UInt8]) -> UInt64? {
        guard name.count == 16 + baseSuffix.utf8.count, name[16...].elementsEqual(baseSuffix.utf8) else { return nil }
        return number(name[..<16])
    }

    static func temporary(_ path: RawPath) -> RawPath {
        RawPath(path.bytes + Array(temporarySuffix.utf8))
    }

    /// Sixteen hexadecimal digits.
    static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// The number in sixteen hexadecimal digits as `digits` writes them; nil for anything else.
    static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        guard digits.count == 16, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }) else {
            return nil
        }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
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
