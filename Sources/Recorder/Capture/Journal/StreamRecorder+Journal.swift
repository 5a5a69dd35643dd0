import Block
import Model
import Segment
import Syscalls

/// Databases with a rollback journal: a state that was read between two transactions becomes a commit, or a base image where
/// nothing says what led to it.
extension StreamRecorder {
    /// Somebody wrote the database, or wants to know whether anybody did.
    func lookAtFile(_ request: UInt64) {
        let journal = journal ?? makeJournal()
        self.journal = journal
        takeWhatWasLeft()
        journal.ask(request)
    }

    /// It has a log from now on.
    func leaveFile() {
        journal = nil
    }

    func advanceJournal(now: Int64) {
        guard let journal else { return }
        if let state {
            journal.advance(
                stream, known: state.hashes, isBehindGap: false, isWholeDue: policy.isWholeDue && image == nil, now: now
            )
        } else {
            journal.advance(stream, known: policy.comparedHashes, isBehindGap: true, isWholeDue: false, now: now)
        }
    }

    /// Takes the state that was found for what *capture* says it is.
    func take(_ verdict: JournalVerdict) {
        guard let journal, let found = journal.takeFound() else {
            // It was given up, and its number was given away.
            return miss(verdict)
        }
        do {
            if verdict.number == nil {
                try begin(from: found, verdict)
            } else {
                try take(found, verdict)
            }
        } catch {
            miss(verdict, because: "\(error)")
            journal.lookAnew()
        }
    }

    private func begin(from found: JournalState, _ verdict: JournalVerdict) throws {
        take(pageSize: found.sight.pageSize)
        let encoder = try encoder(before: verdict.last + 1)
        guard encoder.encoder.lastCommit == verdict.last, image == nil else { throw BaseCopy.Failure.busy }
        last = CommitPoint(
            place: LogPlace(salts: 0, frame: 0), number: verdict.last, low: verdict.low, high: verdict.high)
        settle(
            BaseCopying.Finished(
                file: found.file, pageCount: found.pageCount, hashes: found.hashes, isSparse: found.isSparse))
        guard state?.hashes.state == found.hashes.state else { throw BaseCopy.Failure.busy }
    }

    private func take(_ found: JournalState, _ verdict: JournalVerdict) throws {
        guard let number = verdict.number, state != nil, stream.pageSize == found.sight.pageSize else {
            throw BaseCopy.Failure.busy
        }
        take(
            CapturedCommit(
                number: number, low: verdict.low, high: verdict.high, databasePageCount: found.pageCount,
                frame: verdict.transactionCount ?? 0, salts: 0, changeCounter: found.sight.changeCounter,
                status: .state, attribution: verdict.attribution, writers: verdict.writers, checkpointer: [],
                pages: found.changedPages, bytes: try found.changedBytes()))
        // What could not be taken in stands in a gap already.
        guard state?.hashes.state == found.hashes.state else {
            journal?.lookAnew()
            return
        }
        if !found.isSparse, policy.isWholeDue, image == nil {
            settle(
                BaseCopying.Finished(
                    file: found.file, pageCount: found.pageCount, hashes: found.hashes, isSparse: false))
        }
    }

    /// A number that stands for nothing that could be kept.
    private func miss(_ verdict: JournalVerdict, because reason: String = "another state came first") {
        guard let number = verdict.number else { return }
        // What came before it is whole.
        endSegment()
        if let state { policy.breakOff(behind: state) }
        miss(
            CaptureGap(
                first: number, last: number, missedCount: verdict.transactionCount.map(UInt64.init), low: verdict.low,
                high: verdict.high, cause: .notStored), because: reason)
    }
}
