package import Block
package import Model

/// What stands in front of a base image. Shape: schema/README.md, "The base image file".
package struct BaseImageHeader: Hashable, Sendable {
    package static let byteCount = 72
    package static let footerByteCount = 40
    static let magic = Array("VARVBAS1".utf8)
    static let endMagic = Array("VARVBASE".utf8)

    package var stream: UUIDBytes
    package var pageSize: UInt32
    /// The state is the one after this commit; 0: as first seen.
    package var commit: UInt64
    /// The database came into this state in (low, high].
    package var low: Instant
    package var high: Instant
    package var pageCount: UInt32

    package init(
        stream: UUIDBytes, pageSize: UInt32, commit: UInt64, low: Instant, high: Instant, pageCount: UInt32
    ) {
        self.stream = stream
        self.pageSize = pageSize
        self.commit = commit
        self.low = low
        self.high = high
        self.pageCount = pageCount
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(contentsOf: [1, 0, UInt8(Self.byteCount), 0])
        bytes.appendLittleEndian32(pageSize)
        bytes.append(stream)
        bytes.appendLittleEndian(commit)
        bytes.appendLittleEndian(UInt64(bitPattern: low.nanosecondsSinceEpoch))
        bytes.appendLittleEndian(UInt64(bitPattern: high.nanosecondsSinceEpoch))
        bytes.appendLittleEndian32(pageCount)
        bytes.appendLittleEndian32(0)
        bytes.appendLittleEndian(XXH3.hash64(bytes))
        return bytes
    }

    /// Reads the first `byteCount` bytes of a file. Throws: `notASegment`, `newerVersion`, `damaged`, `malformed`.
    package init(_ bytes: [UInt8]) throws(SegmentError) {
        guard bytes.count >= Self.byteCount, bytes.starts(with: Self.magic) else {
            throw SegmentError(.notASegment, "no magic number")
        }
        let head = Array(bytes[..<Self.byteCount])
        do {
            // SAFETY: bytes are initialised memory without padding; the cursor does not outlive the array.
            var cursor = ByteCursor(unsafe head.span.bytes)
            _ = try cursor.littleEndian64()
            let version = try cursor.littleEndian32()
            guard version & 0xFFFF == 1, version >> 16 == Self.byteCount else {
                throw SegmentError(.newerVersion(UInt16(version & 0xFFFF)), "base image")
            }
            pageSize = try cursor.littleEndian32()
            stream = try cursor.uuid()
            commit = try cursor.littleEndian64()
            low = Instant(nanosecondsSinceEpoch: Int64(bitPattern: try cursor.littleEndian64()))
            high = Instant(nanosecondsSinceEpoch: Int64(bitPattern: try cursor.littleEndian64()))
            pageCount = try cursor.littleEndian32()
            _ = try cursor.littleEndian32()
            guard try cursor.littleEndian64() == XXH3.hash64(Array(head.dropLast(8))) else {
                throw SegmentError(.damaged, "header")
            }
        } catch let error as SegmentError {
            throw error
        } catch let error as PartError {
            throw SegmentError(error, "header")
        } catch {
            throw SegmentError(.malformed, "header")
        }
        guard SegmentLimits.isPageSize(pageSize), commit < 1 << 62 else { throw SegmentError(.malformed, "header") }
    }
}
