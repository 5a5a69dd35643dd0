/// Gathers the commits of a run of frames that is read piece by piece.
///
/// What it holds is bounded by `maximumCommitByteCount`: of a larger transaction the frames are still proved, and only
/// its size is kept.
package struct CommitReader: Sendable {
    /// Behind the last frame that was proved.
    package private(set) var chain: FrameChain
    /// Behind the last commit frame.
    package private(set) var committed: FrameChain
    /// The commits that were found, in order; whoever takes them may empty it.
    package var commits: [WALCommit] = []
    private var gatherer: CommitGatherer
    private var isOversized = false
    private let maximumCommitByteCount: Int

    package init(from chain: FrameChain, maximumCommitByteCount: Int) {
        self.chain = chain
        committed = chain
        gatherer = CommitGatherer(pageSize: chain.pageSize)
        self.maximumCommitByteCount = maximumCommitByteCount
    }

    /// Takes the frames in `bytes`, which begin in the file at `fileOffset`, up to frame `last`.
    ///
    /// Returns: why it stopped, nil at frame `last`.
    package mutating func take(_ bytes: RawSpan, at fileOffset: Int64, upTo last: UInt32) -> ScanEnd? {
        var scanner = WALScanner(bytes, at: fileOffset, from: chain)
        defer { chain = scanner.chain }
        while scanner.chain.frame < last {
            switch scanner.next() {
            case .end(let end): return end
            case .frame(let header, let page):
                add(header, page: bytes.extracting(page), chain: scanner.chain)
            }
        }
        return nil
    }

    private mutating func add(_ header: WALFrameHeader, page: RawSpan, chain: FrameChain) {
        if gatherer.byteCount + page.byteCount > maximumCommitByteCount {
            isOversized = true
            gatherer.removeAll()
        }
        if !isOversized { gatherer.add(page: header.page, contents: page) }
        guard header.isCommit else { return }
        var commit = gatherer.finish(header, frame: chain.frame)
        commit.isOversized = isOversized
        commit.frameCount = chain.frame - committed.frame
        commits.append(commit)
        isOversized = false
        committed = chain
    }
}
