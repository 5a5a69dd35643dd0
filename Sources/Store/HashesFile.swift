package import Block
internal import Model
package import Segment
internal import Syscalls

/// A state of a stream as the store's rows name it.
package struct StreamState: Hashable, Sendable {
    package var stream: UUIDBytes
    package var commit: UInt64
    package var state: UInt64
    package var pageCount: UInt32
    package var pageSize: UInt32

    package init(stream: UUIDBytes, commit: UInt64, state: UInt64, pageCount: UInt32, pageSize: UInt32) {
        self.stream = stream
        self.commit = commit
        self.state = state
        self.pageCount = pageCount
        self.pageSize = pageSize
    }

    /// The newest state of a stream; nil where none is known. Parameters: its rows, oldest first.
    package init?(_ stream: DatabaseStream, _ segments: [SegmentRow], _ bases: [BaseImageRow]) {
        let segment = segments.last { $0.isAnchored && $0.commitCount > 0 }
        let base = bases.last
        if let base, base.commit >= segment?.lastCommit ?? 0 {
            self.init(
                stream: stream.uuid, commit: base.commit, state: base.state, pageCount: base.pageCount,
                pageSize: stream.pageSize)
        } else if let segment {
            self.init(
                stream: stream.uuid, commit: segment.lastCommit, state: segment.stateAfter,
                pageCount: segment.pagesAfter, pageSize: stream.pageSize)
        } else {
            return nil
        }
    }

    /// What stands in front of its hashes.
    fileprivate var header: [UInt8] {
        var bytes = Array("VARVHSH1".utf8)
        bytes += [1, 0, UInt8(Self.headerByteCount), 0]
        bytes.append(littleEndian: pageSize)
        bytes += stream.bytes
        bytes.append(littleEndian: commit)
        bytes.append(littleEndian: pageCount)
        bytes.append(littleEndian: UInt32(0))
        return bytes
    }

    fileprivate static let headerByteCount = 48
}

/// The file of page hashes that a recorder leaves for the next one. Shape: schema/README.md, "The file of page hashes".
extension SegmentFiles {
    static let hashesName = Array("hashes".utf8)
    private static let pageCountInPiece: UInt32 = 131_072
    private static let hashByteCount = 8

    private func hashesPath(of stream: UUIDBytes) -> RawPath { directory(of: stream).appending(Self.hashesName) }

    /// Leaves the hashes of a state, in place of those that were left before; they are not made durable.
    ///
    /// Cost: one write of 8 bytes a page. Throws: `diskFull`, `cannotWrite`; nothing is left then.
    package func leave(_ hashes: PageHashes, of state: StreamState) throws(StoreError) {
        let path = hashesPath(of: state.stream)
        let temporary = Self.temporary(path)
        do throws(SyscallError) {
            let file = try Self.create(temporary)
            try file.write(state.header)
            var check = XXH3.hash64(state.header)
            var page: UInt32 = 1
            while page <= state.pageCount {
                let next = page + min(Self.pageCountInPiece, state.pageCount - page + 1)
                var piece: [UInt8] = []
                piece.reserveCapacity(Int(next - page) * Self.hashByteCount)
                for page in page..<next { piece.append(littleEndian: hashes[page]) }
                check = piece.check(after: check)
                try file.write(piece)
                page = next
            }
            var end: [UInt8] = []
            end.append(littleEndian: check)
            try file.write(end)
            try Files.rename(temporary, to: path)
        } catch {
            try? Files.unlink(temporary)
            throw StoreError(error, otherwise: .cannotWrite, "page hashes cannot be written", path: path)
        }
    }

    /// The hashes of a state, where they were left and are whole.
    package func hashes(of state: StreamState) -> PageHashes? {
        // The number behind the last page is one, too.
        guard state.pageCount < .max else { return nil }
        do {
            let path = hashesPath(of: state.stream)
            let file = try SegmentFile.open(path)
            let byteCount = StreamState.headerByteCount + (Int(state.pageCount) + 1) * Self.hashByteCount
            guard try file.status().byteCount == Int64(byteCount),
                try SegmentFile.bytes(file, path, StreamState.headerByteCount, at: 0) == state.header
            else { return nil }
            var hashes = PageHashes(stream: state.stream)
            hashes.resize(to: state.pageCount)
            var check = XXH3.hash64(state.header)
            var offset = StreamState.headerByteCount
            var page: UInt32 = 1
            while page <= state.pageCount {
                let count = Int(min(Self.pageCountInPiece, state.pageCount - page + 1))
                let piece = try SegmentFile.bytes(file, path, count * Self.hashByteCount, at: offset)
                check = piece.check(after: check)
                for position in 0..<count {
                    hashes.set(page, piece.littleEndian(at: position * Self.hashByteCount, UInt64.self))
                    page += 1
                }
                offset += piece.count
            }
            let end = try SegmentFile.bytes(file, path, Self.hashByteCount, at: offset)
            guard end.littleEndian(at: 0, UInt64.self) == check, hashes.state == state.state else { return nil }
            return hashes
        } catch {
            return nil
        }
    }
}

extension [UInt8] {
    /// Chains what was checked before with these bytes.
    fileprivate func check(after before: UInt64) -> UInt64 {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the call.
        XXH3.hash64(unsafe span.bytes, seed: before)
    }
}
