package import Segment

/// What the capture of databases brings to a commit of the store. Files are written before (`SegmentFiles`).
package struct CaptureRows: Hashable, Sendable {
    /// New streams, and ones of which something changed: by uuid. Paths are added, never removed.
    package var streams: [DatabaseStream] = []
    package var segments: [SegmentRow] = []
    package var bases: [BaseImageRow] = []
    package var gaps: [CaptureGapRow] = []

    package init() {}

    package var isEmpty: Bool { streams.isEmpty && segments.isEmpty && bases.isEmpty && gaps.isEmpty }

    package mutating func append(contentsOf other: CaptureRows) {
        streams += other.streams
        segments += other.segments
        bases += other.bases
        gaps += other.gaps
    }
}
