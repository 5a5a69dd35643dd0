internal import Block
internal import Model

extension SegmentIndex {
    /// What an anchored segment of some of its commits would say, with the blocks where they lie in this one's file: so the
    /// files can be read that a joined segment stands for.
    ///
    /// Hashes are not those that such a file would have. Throws: `malformed` unless these commits are in it, and blocks begin
    /// with the first and end with the last of them.
    package func part(_ first: UInt64, through last: UInt64) throws(SegmentError) -> SegmentIndex {
        guard header.isAnchored, first >= header.firstCommit, first <= last, last <= header.lastCommit else {
            throw SegmentError(.malformed, "commits \(first) to \(last) are not in the segment")
        }
        let entries = Int(first - header.firstCommit)...Int(last - header.firstCommit)
        let pages =
            table.commits[entries.lowerBound].pages.lowerBound..<table.commits[entries.upperBound].pages.upperBound
        var part = SegmentTable()
        (part.processes, part.sets) = (table.processes, table.sets)
        if entries.lowerBound == 0 { part.gaps = table.gaps }
        part.commits = table.commits[entries].map { commit in
            var moved = commit
            moved.pages = commit.pages.lowerBound - pages.lowerBound..<commit.pages.upperBound - pages.lowerBound
            return moved
        }
        part.pages = Array(table.pages[pages])
        let blocks = try blocks(of: pages)
        part.blocks = Array(table.blocks[blocks])
        return SegmentIndex(
            header: header(of: part, before: entries.lowerBound), table: part,
            blockOffsets: Array(blockOffsets[blocks]))
    }

    private func blocks(of pages: Range<Int>) throws(SegmentError) -> Range<Int> {
        var position = 0
        var first: Int?
        for (number, block) in table.blocks.enumerated() {
            if position == pages.lowerBound { first = number }
            position += block.pageCount
            if position == pages.upperBound, let first { return first..<number + 1 }
            guard position < pages.upperBound else { break }
        }
        throw SegmentError(.malformed, "commits that share a block with others")
    }

    /// Parameter entry: the first commit's place in the whole.
    private func header(of part: SegmentTable, before entry: Int) -> SegmentHeader {
        var header = header
        header.firstCommit &+= UInt64(entry)
        header.commitCount = part.commits.count
        header.blockCount = part.blocks.count
        header.blocksByteCount = part.blocks.reduce(0) { $0 + $1.byteCount }
        header.low = (part.gaps.map(\.low) + part.commits.map(\.low)).min() ?? header.low
        header.high = (part.gaps.map(\.high) + part.commits.map(\.high)).max() ?? header.high
        if entry > 0 {
            let before = table.commits[entry - 1]
            header.stateBefore = before.state
            header.pagesBefore = before.databasePageCount
            header.previousHash = EventsHash(high: 0, low: 0)
        }
        if let last = part.commits.last {
            header.stateAfter = last.state
            header.pagesAfter = last.databasePageCount
        }
        return header
    }
}
