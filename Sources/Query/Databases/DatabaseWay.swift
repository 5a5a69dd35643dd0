internal import Segment
package import Store

/// How the state after a commit is come by: a whole base image, and what is played over it in order.
package struct DatabaseWay: Sendable {
    package enum Step: Hashable, Sendable {
        case segment(SegmentRow)
        /// What changed over a gap.
        case rebase(BaseImageRow)

        /// Of the file.
        var byteCount: UInt64 {
            switch self {
            case .segment(let row): row.byteCount
            case .rebase(let row): row.byteCount
            }
        }
    }

    package let base: BaseImageRow
    package let steps: [Step]
}

extension DatabaseHistory {
    /// The way to the state after a commit; nil where there is none.
    package func way(to commit: UInt64) -> DatabaseWay? {
        var steps: [DatabaseWay.Step] = []
        var wanted = commit
        while let (base, segments) = nearest(to: wanted) {
            steps += segments.reversed().map { .segment($0) }
            guard let builtOn = base.builtOn else { return DatabaseWay(base: base, steps: steps.reversed()) }
            // A damaged row might lead in a circle.
            guard builtOn < base.commit else { return nil }
            steps.append(.rebase(base))
            wanted = builtOn
        }
        return nil
    }

    /// The newest base image, whole or not, from which segments lead to a commit.
    private func nearest(to commit: UInt64) -> (base: BaseImageRow, segments: [SegmentRow])? {
        for base in bases.reversed() where base.commit <= commit {
            var needed: [SegmentRow] = []
            var last = base.commit
            for segment in segments[place(behind: base.commit)...] {
                if last >= commit { break }
                // Gaps alone.
                if segment.commitCount == 0 { continue }
                guard segment.firstCommit == last + 1, segment.isAnchored else { break }
                needed.append(segment)
                last = segment.lastCommit
            }
            if last >= commit { return (base, needed) }
        }
        return nil
    }

    /// Where the segments that begin behind a commit stand.
    private func place(behind commit: UInt64) -> Int {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].firstCommit > commit { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension SegmentPlayer {
    /// Plays a step, a segment up to commit `last` at most. Throws: as `play`; `StoreError`.
    mutating func play(
        _ step: DatabaseWay.Step, of files: SegmentFiles, upTo last: UInt64, into target: inout some PageStore
    ) throws {
        switch step {
        case .segment(let row):
            let file = try files.open(row)
            try play(file.index, upTo: last, into: &target) { try file.block($0) }
        case .rebase(let row):
            let file = try files.open(row)
            try play(file.index, into: &target) { try file.block($0) }
        }
    }
}
