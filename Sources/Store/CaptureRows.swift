package import Block
package import Model
package import Segment
internal import Syscalls

/// What the capture of databases brings to a commit of the store. Files are written before (`SegmentFiles`).
package struct CaptureRows: Hashable, Sendable {
    /// New streams, and ones of which something changed: by uuid. Paths are added, never removed.
    package var streams: [DatabaseStream] = []
    package var segments: [SegmentRow] = []
    package var joins: [SegmentJoin] = []
    package var bases: [BaseImageRow] = []
    package var gaps: [CaptureGapRow] = []
    /// Up to when streams are known without a break, by uuid; true only together with the rows that came before.
    package var watchedUntil: [UUIDBytes: Instant] = [:]

    package init() {}

    package var isEmpty: Bool {
        streams.isEmpty && segments.isEmpty && joins.isEmpty && bases.isEmpty && gaps.isEmpty && watchedUntil.isEmpty
    }

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
        joins += other.joins
        bases += other.bases
        gaps += other.gaps
        watchedUntil.merge(other.watchedUntil) { max($0, $1) }
    }

    var count: Int {
        streams.count + segments.count + joins.count + bases.count + gaps.count + watchedUntil.count
    }

    /// Of each stream the newest row, with gaps whose numbers follow on each other as one.
    mutating func fold() {
        var newest: [UUIDBytes: DatabaseStream] = [:]
        for stream in streams { newest[stream.uuid] = stream }
        streams = streams.compactMap { newest.removeValue(forKey: $0.uuid) }
        var ends: [UUIDBytes: Int] = [:]
        var kept: [CaptureGapRow] = []
        for row in gaps {
            guard let place = ends[row.stream], kept[place].gap.last &+ 1 == row.gap.first else {
                ends[row.stream] = kept.count
                kept.append(row)
                continue
            }
            kept[place].gap.join(row.gap)
        }
        gaps = kept
    }
}

/// A segment that takes the place of others with the same commits; its file is written.
package struct SegmentJoin: Hashable, Sendable {
    package var row: SegmentRow
    /// What it was made of, oldest first.
    package var sources: [SegmentRow]

    package init(_ row: SegmentRow, of sources: [SegmentRow]) {
        self.row = row
        self.sources = sources
    }
}

extension CaptureGap {
    /// Stands for what follows on it as well; of two causes it has its own.
    fileprivate mutating func join(_ next: CaptureGap) {
        last = next.last
        missedCount = missedCount.flatMap { one in next.missedCount.map { one &+ $0 } }
        low = min(low, next.low)
        high = max(high, next.high)
    }
}
