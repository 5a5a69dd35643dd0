import Segment
import Store

/// The hashes of a database's pages, which one run leaves to the next.
extension StreamRecorder {
    /// Once, before the first commit: every recorder begins with a gap.
    func takeWhatWasLeft() {
        guard let left else { return }
        self.left = nil
        guard let hashes = place.files.hashes(of: left) else { return }
        policy.resume(behind: BaseImagePolicy.KnownState(commit: left.commit, hashes: hashes))
    }

    /// The next recorder then finds out what changed while none ran. Without them it copies everything.
    func leaveHashes() {
        guard let known = policy.left(state) else { return }
        let state = StreamState(
            stream: stream.uuid, commit: known.commit, state: known.hashes.state, pageCount: known.hashes.pageCount,
            pageSize: stream.pageSize)
        try? place.files.leave(known.hashes, of: state)
    }
}
