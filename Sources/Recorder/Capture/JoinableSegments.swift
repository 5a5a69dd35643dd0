import Segment
import Store

/// Which small segments of one stream become one, so that months of seldom commits are few files.
///
/// Sixteen neighbours of one level become one of the next, as in a log-structured merge tree, until it is no small one. Where
/// no further segment continues a run, a few that are left become one whatever their levels.
/// Pure. Bounded: `maximumRowCount` rows; the oldest are left as they are.
struct JoinableSegments {
    static let groupCount = 16
    /// Of a run that has ended; fewer are not worth a file.
    static let leastLeftCount = 4
    /// Below these a segment is small, so that sixteen always fit into one.
    static let smallByteCount: UInt64 = 256 << 10
    static let smallCommitCount: UInt64 = 1_024
    static let maximumRowCount = 4_096

    /// Segments that continue each other, oldest first; the last run goes on.
    private var runs: [[SegmentRow]] = [[]]

    init() {}

    /// Parameters: the rows of a stream that another run left, oldest first; this one begins with a gap.
    init(_ segments: [SegmentRow], _ bases: [BaseImageRow]) {
        let commits = Set(bases.map(\.commit))
        for row in segments {
            append(row)
            if commits.contains(row.lastCommit) { endRun() }
        }
        endRun()
    }

    /// The next segment of the stream.
    mutating func append(_ row: SegmentRow) {
        guard row.isAnchored, row.commitCount > 0, Self.isSmall(row) else { return endRun() }
        if let last = runs.last?.last, !last.isContinued(by: row) { endRun() }
        runs[runs.count - 1].append(row)
        if runs.reduce(0, { $0 + $1.count }) > Self.maximumRowCount {
            if runs.count > 1 { runs.removeFirst() } else { runs[0].removeFirst(runs[0].count / 2) }
        }
    }

    /// A base image is of the state behind the last segment: what comes next is to be read from there.
    mutating func endRun() {
        if runs.last?.isEmpty == false { runs.append([]) }
    }

    private static func isSmall(_ row: SegmentRow) -> Bool {
        row.byteCount < smallByteCount && row.commitCount < smallCommitCount && row.level < SegmentLimits.level
    }

    /// Rows that are to become one; nil where there is nothing to be joined.
    mutating func next() -> [SegmentRow]? {
        while let run = runs.first {
            if let group = Self.group(in: run) { return group }
            if runs.count == 1 { return nil }
            let left = Self.left(of: run)
            if left.count >= Self.leastLeftCount { return left }
            runs.removeFirst()
        }
        return nil
    }

    private static func group(in run: [SegmentRow]) -> [SegmentRow]? {
        var start = 0
        for index in run.indices {
            if run[index].level != run[start].level { start = index }
            if index - start + 1 == groupCount { return Array(run[start...index]) }
        }
        return nil
    }

    /// What is left of a run that has ended, as much of it as may be one segment.
    private static func left(of run: [SegmentRow]) -> [SegmentRow] {
        var byteCount: UInt64 = 0
        var commitCount: UInt64 = 0
        let left = run.prefix { row in
            byteCount += row.byteCount
            commitCount += row.commitCount
            return byteCount <= UInt64(groupCount) * smallByteCount
                && commitCount <= UInt64(groupCount) * smallCommitCount
        }
        return Array(left)
    }

    /// A joined segment takes the place of those that `next` gave.
    mutating func replace(_ sources: [SegmentRow], by row: SegmentRow) {
        guard let (run, start) = find(sources) else { return }
        guard Self.isSmall(row) else { return split(run, at: start..<start + sources.count) }
        runs[run].replaceSubrange(start..<start + sources.count, with: [row])
    }

    /// They cannot be read, and are left as they are.
    mutating func giveUp(_ sources: [SegmentRow]) {
        guard let (run, start) = find(sources) else { return }
        split(run, at: start..<start + sources.count)
    }

    /// Nothing is joined across these places of a run any more.
    private mutating func split(_ run: Int, at places: Range<Int>) {
        let behind = Array(runs[run][places.upperBound...])
        runs[run].removeSubrange(places.lowerBound...)
        runs.insert(behind, at: run + 1)
    }

    private func find(_ sources: [SegmentRow]) -> (run: Int, start: Int)? {
        guard let first = sources.first else { return nil }
        for (index, run) in runs.enumerated() {
            if let start = run.firstIndex(of: first), run.count >= start + sources.count { return (index, start) }
        }
        return nil
    }
}

extension SegmentRow {
    fileprivate func isContinued(by next: SegmentRow) -> Bool {
        next.firstCommit == lastCommit + 1 && next.previousHash == chain && next.stateBefore == stateAfter
            && next.pagesBefore == pagesAfter && next.isAnchored && isAnchored
    }
}
