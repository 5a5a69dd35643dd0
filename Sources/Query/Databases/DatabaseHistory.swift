internal import Block
package import Model
package import Segment
package import Store

/// What is known of one watched database: its segments, base images and gaps, without their pages.
package struct DatabaseHistory: Sendable {
    package let stream: DatabaseStream
    /// Oldest first.
    package let segments: [SegmentRow]
    package let bases: [BaseImageRow]
    package let gaps: [CaptureGap]
    package let files: SegmentFiles

    package init(_ stream: DatabaseStream, _ reader: StoreReader) throws(StoreError) {
        self.stream = stream
        // Bases last: one that retention dropped meanwhile is not trusted.
        segments = try reader.segments(of: stream.uuid)
        gaps = try reader.captureGaps(of: stream.uuid)
        bases = try reader.baseImages(of: stream.uuid)
        files = reader.segmentFiles
    }

    /// The greatest number that a commit, gap or base image has; 0 when there is none.
    package var lastNumber: UInt64 {
        max(segments.last?.lastCommit ?? 0, max(bases.last?.commit ?? 0, gaps.map(\.last).max() ?? 0))
    }

    /// The commits of all segments in order; `body` says whether to go on.
    ///
    /// Only segments that touch from ≤ time < to are read. Throws: `StoreError`, what `body` throws.
    package func forEachCommit(
        from: Instant? = nil, to: Instant? = nil,
        _ body: (SegmentTable.Commit, SegmentTable, Int) throws -> Void
    ) throws {
        for row in segments where row.commitCount > 0 {
            if let from, row.high < from { continue }
            if let to, row.low >= to { continue }
            let table = try files.open(row).index.table
            let byteCounts = table.storedByteCounts()
            for (position, commit) in table.commits.enumerated() { try body(commit, table, byteCounts[position]) }
        }
    }
}
