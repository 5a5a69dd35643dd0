import Model
import Synchronization
import Syscalls

/// What does not change during a run, and how `status` tells it with what does.
struct RecorderFacts: Sendable {
    var run: UInt32
    var pid: Int32
    var version: String
    var started: Instant
    var queueIsUnlimited: Bool
    var queueReason: String
    var privileges: String
    var operations: EventMask
    /// What kind of marks are set.
    var scope: String
    /// What is heard of processes; nil where the kernel does not tell.
    var witness: ProcessWitness?
    /// Nil where nothing is archived.
    var archive: ArchiveFacts?

    func statusLine(shared: WriteShared) -> String {
        let counters = shared.counters
        let snapshot = shared.snapshot
        var line = JSONLine(ok: true)
        line.add("pid", number: pid)
        line.add("version", text: version)
        line.add("run", number: run)
        line.add("started_ns", number: started.nanosecondsSinceEpoch)
        line.add("queue", text: queueIsUnlimited ? "unlimited" : "limited")
        line.add("queue_reason", text: queueReason)
        line.add("privileges", text: privileges)
        line.add("scope", text: scope)
        line.add("paths", texts: shared.coveredPaths.map(\.lossyText))
        line.add("ops", texts: Operation.allCases.filter { operations.contains($0.mask) }.map(\.rawValue))
        line.add("next_seq", number: snapshot.nextSequence)
        line.add("records_read", number: counters.recordsRead.current)
        line.add("readings", number: counters.readings.current)
        line.add("events_kept", number: counters.eventsKept.current)
        line.add("events_committed", number: counters.eventsCommitted.current)
        line.add("events_dropped", number: counters.eventsDropped.current)
        line.add("merged", number: counters.merged.current)
        line.add("folded", number: counters.folded.current)
        line.add("outside", number: counters.outside.current)
        line.add("own", number: counters.own.current)
        line.add("unplaceable", number: counters.unplaceable.current)
        line.add("unresolved", number: counters.unresolved.current)
        line.add("overflows", number: counters.overflows.current)
        line.add("malformed", number: counters.malformed.current)
        line.add("directories_resolved", number: counters.directoriesResolved.current)
        line.add("directories_marked", number: counters.directoriesMarked.current)
        line.add("directories_waiting", number: counters.directoriesWaiting.current)
        line.add("scanned", number: counters.scanned.current)
        if let witness {
            line.add("process_messages", number: witness.noticeCount.current)
            line.add("process_overflows", number: witness.lossCount.current)
            line.add("process_lost_ns", number: witness.lostNanoseconds.current)
        }
        line.add("commits", number: counters.commits.current)
        line.add("cpu_ns", number: Clock.processCPU())
        line.add("followers", number: shared.progress.followers.load(ordering: .relaxed))
        line.add("is_quiet", boolean: shared.drain.queueIsEmpty && shared.ring.filled == shared.ring.emptied)
        archive?.add(to: &line)
        if let failure = snapshot.failure { line.add("failure", text: failure) }
        return line.text
    }
}

/// Where the store is archived to, and how `status` tells of it.
struct ArchiveFacts: Sendable {
    var directory: RawPath
    var status: ArchiveStatus

    func add(to line: inout JSONLine) {
        let snapshot = status.snapshot
        line.add("archive", text: snapshot.condition)
        line.add("archive_directory", text: directory.lossyText)
        if let generation = snapshot.generation { line.add("archive_generation", number: generation) }
        if let until = snapshot.until { line.add("archive_until_ns", number: until.nanosecondsSinceEpoch) }
        if let failure = snapshot.failure { line.add("archive_failure", text: failure) }
    }
}
