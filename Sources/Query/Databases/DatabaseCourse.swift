internal import Block
internal import Model
internal import SQLitePages
internal import Segment
internal import Store

/// Walks over a database's commits from one state to another and has each told of.
///
/// Thread: one. Cost: one pass over the segments from the base image before the first state; the pages written since it
/// in memory, as `DatabaseImage`.
final class DatabaseCourse {
    private let history: DatabaseHistory
    private let context: QueryContext
    private let options: RowDiffOptions
    private let isNet: Bool
    private let first: UInt64
    private let last: UInt64
    private var answer: RowDiffAnswer?
    /// The commit whose state the pages have.
    private var reached: UInt64 = 0
    /// What was written since the first state; for the net changes.
    private var written: Set<UInt32> = []

    /// Tells what happened after commit `first`, up to and with `last`. Range: first ≤ last.
    ///
    /// Parameter isNet: the two states are compared, and nothing between them is told.
    init(
        _ history: DatabaseHistory, from first: UInt64, to last: UInt64, isNet: Bool, _ context: QueryContext,
        _ options: RowDiffOptions
    ) {
        self.history = history
        self.first = first
        self.last = last
        self.isNet = isNet
        self.context = context
        self.options = options
    }

    /// Throws: as `DatabaseDiffAnswer.run`.
    func run() throws -> RowDiffAnswer {
        guard let way = history.way(to: first) else { throw DatabaseImage.Failure.noBase(first) }
        var (playback, hashes) = try open(way.base)
        if reached == first { try begin(playback) }
        while true {
            hashes = try play(playback, hashes)
            if reached >= last { break }
            // Commits are missing: the next base image has what they did together.
            guard let next = history.bases.first(where: { $0.commit > reached && $0.commit <= last }) else {
                throw DatabaseImage.Failure.noBase(last)
            }
            if next.builtOn != nil {
                hashes = try play(next, playback, hashes)
                continue
            }
            let (later, laterHashes) = try open(next)
            try tell(later, laterHashes.differing(from: hashes), nil)
            (playback, hashes) = (later, laterHashes)
        }
        guard let answer else { throw DatabaseImage.Failure.noBase(first) }
        if isNet, first < last { try answer.tell(playback.view(), changedPages: Array(written), origin: nil) }
        return answer
    }

    private func open(_ row: BaseImageRow) throws -> (CommitPlayback, PageHashes) {
        let reader = try history.files.open(row)
        let pageSize = Int(reader.index.header.pageSize)
        let hashes = try reader.hashes { _, _ in }
        let pages = OverlaidPages(
            base: try BasePages(consume reader), pageCount: hashes.pageCount, pageSize: pageSize)
        reached = row.commit
        return (CommitPlayback(pages, pageSize: pageSize), hashes)
    }

    private func begin(_ playback: CommitPlayback) throws {
        answer = try RowDiffAnswer(context, options, from: isNet ? playback.snapshot() : playback.view())
    }

    private func tell(_ playback: CommitPlayback, _ changed: [UInt32], _ origin: ChangeOrigin?) throws {
        guard let answer else { return }
        if isNet {
            written.formUnion(changed)
        } else {
            try answer.tell(playback.view(), changedPages: changed, origin: origin)
        }
    }

    /// Plays the segments that follow without a break, up to the last commit; gives the hashes of the pages then.
    private func play(_ playback: CommitPlayback, _ hashes: PageHashes) throws -> PageHashes {
        var player = try SegmentPlayer(hashes: hashes, commit: reached)
        for row in history.segments where row.commitCount > 0 && row.isAnchored {
            guard player.commit < last else { break }
            guard row.firstCommit == player.commit + 1 else { continue }
            let file = try history.files.open(row)
            let table = file.index.table
            var position = 0
            playback.commitPlayed = { [unowned self, unowned playback] changed in
                let commit = table.commits[position]
                position += 1
                reached = commit.number
                if commit.number == first { try begin(playback) }
                if commit.number > first { try tell(playback, changed, ChangeOrigin(commit, table)) }
            }
            defer { playback.commitPlayed = nil }
            var target = playback
            try player.play(file.index, upTo: last, into: &target) { try file.block($0) }
            try playback.finishCommit()
        }
        return player.hashes
    }

    /// Lays a rebase over the state before the gap; gives the hashes of the pages then.
    private func play(_ row: BaseImageRow, _ playback: CommitPlayback, _ hashes: PageHashes) throws -> PageHashes {
        var player = try SegmentPlayer(hashes: hashes, commit: reached)
        playback.commitPlayed = { [unowned self, unowned playback] changed in
            reached = row.commit
            if reached == first { try begin(playback) }
            if reached > first { try tell(playback, changed, nil) }
        }
        defer { playback.commitPlayed = nil }
        var target = playback
        try player.play(.rebase(row), of: history.files, upTo: row.commit, into: &target)
        try playback.finishCommit()
        return player.hashes
    }
}

extension ChangeOrigin {
    init(_ commit: SegmentTable.Commit, _ table: SegmentTable) {
        let attribution: Attribution =
            switch commit.attribution {
            case .exact: .exact
            case .set: .set
            case .unknown: .unknown
            }
        self.init(
            commit: commit.number, low: commit.low, high: commit.high, attribution: attribution,
            writers: table.processes(ofSet: commit.writers))
    }
}
