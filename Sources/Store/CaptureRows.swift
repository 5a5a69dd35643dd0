internal import Model
package import Segment
internal import Syscalls

/// What the capture of databases brings to a commit of the store. Files are written before (`SegmentFiles`).
package struct CaptureRows: Hashable, Sendable {
    /// New streams, and ones of which something changed: by uuid. Paths are added, never removed.
    package var streams: [DatabaseStream] = []
    package var segments: [SegmentRow] = []
    package var bases: [BaseImageRow] = []
    package var gaps: [CaptureGapRow] = []

    package init() {}

    package var isEmpty: Bool { streams.isEmpty && segments.isEmpty && bases.isEmpty && gaps.isEmpty }

    /// From the first to the last moment that the rows are about; now where they say none.
    var moments: ClosedRange<Instant> {
        let lows = segments.map(\.low) + bases.map(\.low) + gaps.map(\.gap.low)
        let highs = segments.map(\.high) + bases.map(\.high) + gaps.map(\.gap.high)
        let high = highs.max() ?? Clock.realtime()
        return min(lows.min() ?? high, high)...high
    }

    package mutating func append(contentsOf other: CaptureRows) {
        streams += other.streams
        segments += other.segments
        bases += other.bases
        gaps += other.gaps
    }
}
