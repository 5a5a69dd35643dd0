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

    /// What is not known between two commits because one stands for several transactions, for people. Throws: `StoreError`.
    func mergedStates(after first: UInt64, upTo last: UInt64) throws -> [String] {
        var texts: [String] = []
        for row in segments where row.commitCount > 0 && row.lastCommit > first && row.firstCommit <= last {
            for commit in try files.open(row).index.table.commits
            where commit.number > first && commit.number <= last && commit.transactionCount != 1 {
                texts.append(commit.mergedText)
            }
        }
        return texts
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

extension SegmentTable.Commit {
    /// Of a state that stands for several transactions, or for nobody knows how many: one line for people.
    var mergedText: String {
        let count = transactionCount.map { "\($0)" } ?? "an unknown number of"
        return "commit \(number) stands for \(count) transactions between \(TimestampWriter.text(low)) and "
            + "\(TimestampWriter.text(high)): what came and went between them is not known"
    }
}
