internal import Block

/// Why commits could not be encoded, or bytes not be read as a segment or base image.
package struct SegmentError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The bytes do not start with the magic number.
        case notASegment
        /// A format version that this program does not know.
        case newerVersion(UInt16)
        /// A hash does not match.
        case damaged
        /// The bytes contradict the format, though their hashes match.
        case malformed
        /// A limit of the format is exceeded.
        case limitExceeded
        /// A commit does not continue its stream.
        case notContiguous
        /// A commit lacks pages that it adds to the database, or holds some beyond its end.
        case incomplete
        /// The pages do not give the state that is written down.
        case stateMismatch
        /// zstd refused or ran out of memory.
        case compression
    }

    package var code: Code
    package var detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ error: BlockError) {
        self.init(.compression, error.detail)
    }

    init(_ error: PartError, _ part: String) {
        switch error {
        case .truncated: self.init(.malformed, "\(part) ends too early")
        case .malformed(let what): self.init(.malformed, "\(part): \(what)")
        }
    }

    package var description: String {
        switch code {
        case .notASegment: "neither a segment nor a base image: \(detail)"
        case .newerVersion(let version): "of version \(version), which this program does not know: \(detail)"
        case .damaged: "damaged: \(detail)"
        case .malformed: "malformed: \(detail)"
        case .limitExceeded: "beyond the limits of the format: \(detail)"
        case .notContiguous: "not contiguous: \(detail)"
        case .incomplete: "incomplete: \(detail)"
        case .stateMismatch: "the pages do not give the recorded state: \(detail)"
        case .compression: "compression failed: \(detail)"
        }
    }
}

extension Compressor {
    static func make() throws(SegmentError) -> Compressor {
        do { return try Compressor() } catch { throw SegmentError(error) }
    }
}

extension Decompressor {
    static func make() throws(SegmentError) -> Decompressor {
        do { return try Decompressor() } catch { throw SegmentError(error) }
    }
}
