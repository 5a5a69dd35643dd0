package import Block
package import Model

/// What stands in front of a base image. Shape: schema/README.md, "The base image file".
package struct BaseImageHeader: Hashable, Sendable {
    /// What makes an image a rebase: it holds the pages that are not the same in an earlier state.
    package struct Rebase: Hashable, Sendable {
        /// The commit that the earlier state is the one after.
        package var builtOn: UInt64
        package var state: UInt64
        /// Of the database in that state.
        package var pageCount: UInt32
        /// How many pages the file holds.
        package var heldPageCount: UInt32

        package init(builtOn: UInt64, state: UInt64, pageCount: UInt32, heldPageCount: UInt32) {
            self.builtOn = builtOn
            self.state = state
            self.pageCount = pageCount
            self.heldPageCount = heldPageCount
        }
    }

    /// Of a whole image; a file begins with no fewer.
    package static let leastByteCount = 72
    /// Of a rebase; every file has so many bytes.
    package static let greatestByteCount = 96
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
    /// nil: the image is whole.
    package var rebase: Rebase?

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

    /// Of the header in the file.
    package var byteCount: Int { rebase == nil ? Self.leastByteCount : Self.greatestByteCount }

    private static let wholeVersion: UInt32 = 1
    private static let rebaseVersion: UInt32 = 2

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(contentsOf: [UInt8(rebase == nil ? Self.wholeVersion : Self.rebaseVersion), 0])
        bytes.append(contentsOf: [UInt8(byteCount), 0])
        bytes.appendLittleEndian32(pageSize)
        bytes.append(stream)
        bytes.appendLittleEndian(commit)
        bytes.appendLittleEndian(UInt64(bitPattern: low.nanosecondsSinceEpoch))
        bytes.appendLittleEndian(UInt64(bitPattern: high.nanosecondsSinceEpoch))
        bytes.appendLittleEndian32(pageCount)
        bytes.appendLittleEndian32(rebase?.heldPageCount ?? 0)
        if let rebase {
            bytes.appendLittleEndian(rebase.builtOn)
            bytes.appendLittleEndian(rebase.state)
            bytes.appendLittleEndian32(rebase.pageCount)
            bytes.appendLittleEndian32(0)
        }
        bytes.appendLittleEndian(XXH3.hash64(bytes))
        return bytes
    }

    /// Reads the beginning of a file, of which `greatestByteCount` bytes are enough.
    ///
    /// Throws: `notASegment`, `newerVersion`, `damaged`, `malformed`.
    package init(_ bytes: [UInt8]) throws(SegmentError) {
        guard bytes.count >= Self.leastByteCount, bytes.starts(with: Self.magic) else {
            throw SegmentError(.notASegment, "no magic number")
        }
        do {
            // SAFETY: bytes are initialised memory without padding; the cursor does not outlive the array.
            var cursor = ByteCursor(unsafe bytes.span.bytes)
            _ = try cursor.littleEndian64()
            let version = try cursor.littleEndian32()
            let isRebase = version & 0xFFFF == Self.rebaseVersion
            guard isRebase || version & 0xFFFF == Self.wholeVersion,
                version >> 16 == (isRebase ? Self.greatestByteCount : Self.leastByteCount)
            else { throw SegmentError(.newerVersion(UInt16(version & 0xFFFF)), "base image") }
            pageSize = try cursor.littleEndian32()
            stream = try cursor.uuid()
            commit = try cursor.littleEndian64()
            low = Instant(nanosecondsSinceEpoch: Int64(bitPattern: try cursor.littleEndian64()))
            high = Instant(nanosecondsSinceEpoch: Int64(bitPattern: try cursor.littleEndian64()))
            pageCount = try cursor.littleEndian32()
            let heldPageCount = try cursor.littleEndian32()
            if isRebase {
                rebase = Rebase(
                    builtOn: try cursor.littleEndian64(), state: try cursor.littleEndian64(),
                    pageCount: try cursor.littleEndian32(), heldPageCount: heldPageCount)
                _ = try cursor.littleEndian32()
            }
            let end = cursor.offset
            guard try cursor.littleEndian64() == XXH3.hash64(Array(bytes[..<end])) else {
                throw SegmentError(.damaged, "header")
            }
        } catch let error as SegmentError {
            throw error
        } catch let error as PartError {
            throw SegmentError(error, "header")
        } catch {
            throw SegmentError(.malformed, "header")
        }
        let isEarlier = rebase.map { $0.builtOn < commit && $0.heldPageCount <= pageCount } ?? true
        guard SegmentLimits.isPageSize(pageSize), commit < 1 << 62, isEarlier else {
            throw SegmentError(.malformed, "header")
        }
    }
}
