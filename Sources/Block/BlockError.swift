/// Why bytes could not be read as a block, or a block not be written.
package struct BlockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// The bytes do not start with a block's magic number.
        case notABlock
        /// The block is of a format version this program does not know.
        case newerVersion(UInt8)
        /// A checksum does not match: the bytes are damaged.
        case damaged
        /// The bytes contradict the format, though their checksums match.
        case malformed
        /// The bytes end too early.
        case truncated
        /// A limit of the format is exceeded, in reading or writing.
        case limitExceeded
        /// The events of a commit do not give its hash.
        case hashMismatch
        /// zstd refused or ran out of memory.
        case compression
        /// Blocks that were to be merged do not follow one another or come from different stores.
        case notConsecutive
        /// Where the bytes came from, they are no longer: the block was merged or pruned while it was being read.
        case gone
    }

    package var code: Code
    /// The part of the block concerned, as schema/README.md names it, and what is wrong with it.
    package var detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String {
        switch code {
        case .notABlock: "not an event block: \(detail)"
        case .newerVersion(let version):
            "event block of version \(version), this program knows up to \(BlockFormat.version): \(detail)"
        case .damaged: "damaged event block: \(detail)"
        case .malformed: "malformed event block: \(detail)"
        case .truncated: "event block ends too early: \(detail)"
        case .limitExceeded: "event block beyond the limits of its format: \(detail)"
        case .hashMismatch: "event block does not match its hash: \(detail)"
        case .compression: "event block compression failed: \(detail)"
        case .notConsecutive: "event blocks cannot be merged: \(detail)"
        case .gone: "event block is no longer there: \(detail)"
        }
    }
}
