internal import Block
internal import Model
internal import Segment
internal import Store

/// Whether the segments and base images of watched databases are what their rows say, and follow one another.
struct DatabaseVerification {
    struct Finding {
        /// The file, or the database where none is concerned.
        var place: String
        var text: String
    }

    private(set) var findings: [Finding] = []
    private(set) var fileCount = 0

    /// Reads every file. What is found in one does not keep the others from being looked at. Throws: `StoreError` where the
    /// rows cannot be read.
    init(_ reader: StoreReader) throws(StoreError) {
        for stream in try reader.streams() {
            let history = try DatabaseHistory(stream, reader)
            for row in history.bases { check { () throws(StoreError) in try history.files.verify(row) } }
            for row in history.segments { check { () throws(StoreError) in try history.files.verify(row) } }
            checkChain(history)
            for row in history.bases { checkOrigin(of: row, history) }
        }
    }

    private mutating func check(_ body: () throws(StoreError) -> Void) {
        fileCount += 1
        do {
            try body()
        } catch {
            let place = error.path.map { TerminalText.escaped($0.bytes) } ?? "segments"
            findings.append(Finding(place: place, text: error.message))
        }
    }

    /// The number behind the gaps that follow one another from `first` on.
    private static func end(ofGapsFrom first: UInt64, _ gaps: [CaptureGap]) -> UInt64 {
        gaps.sorted { $0.first < $1.first }.reduce(first) { known, gap in
            gap.first <= known && gap.last >= known ? gap.last + 1 : known
        }
    }

    /// Each segment names the hash of the one before; its commits begin where that one's, a gap or a base image ended.
    private mutating func checkChain(_ history: DatabaseHistory) {
        var last: SegmentRow?
        for row in history.segments {
            let place = TerminalText.escaped(history.files.path(of: row).bytes)
            // Of the first that is left behind what was pruned the one before is gone.
            let isPruned = history.gaps.contains { gap in
                gap.cause == .pruned && gap.first > last?.lastCommit ?? 0 && gap.last < row.firstCommit
            }
            if let last, !isPruned, row.previousHash != last.chain {
                findings.append(Finding(place: place, text: "the segment before it is not the one that it continues"))
            }
            let expected = (last?.lastCommit ?? row.firstCommit - 1) + 1
            let known = Self.end(ofGapsFrom: expected, history.gaps)
            if known < row.firstCommit {
                findings.append(Finding(place: place, text: "commits \(known) to \(row.firstCommit - 1) are missing"))
            }
            if let last, row.firstCommit == last.lastCommit + 1, row.isAnchored, last.isAnchored,
                row.stateBefore != last.stateAfter
            {
                findings.append(Finding(place: place, text: "its state is not the one that the segment before it left"))
            }
            last = row
        }
    }

    /// The state that a rebase builds on is there. Of a live store its row may be newer than the look at the segments was.
    private mutating func checkOrigin(of row: BaseImageRow, _ history: DatabaseHistory) {
        guard let builtOn = row.builtOn, history.segments.contains(where: { $0.lastCommit >= row.commit }),
            history.way(to: builtOn) == nil
        else { return }
        let place = TerminalText.escaped(history.files.path(of: row).bytes)
        findings.append(Finding(place: place, text: "nothing leads to commit \(builtOn), on which it builds"))
    }
}
