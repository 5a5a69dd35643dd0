import Block
import Model
import Segment

/// Who wrote a log when: windows of time in which processes touched it, as far back as they are still asked for.
struct WriterHistory {
    /// As it was when it was noted. Shared by the notes that follow each other.
    private final class Writer {
        let process: ActorProcess

        init(_ process: ActorProcess) { self.process = process }
    }

    private struct Entry {
        var writer: Writer?
        var window: TimeWindow
    }

    private var entries: [Entry] = []
    /// The end of the newest window that had to make room: nobody is known to be the only writer before it.
    private var forgottenUpTo = Instant.distantPast
    private static let maximumCount = 4_096

    mutating func add(_ process: ActorProcess?, _ window: TimeWindow) {
        var writer = entries.last?.writer
        if writer?.process != process { writer = process.map(Writer.init) }
        entries.append(Entry(writer: writer, window: window))
        guard entries.count > 2 * Self.maximumCount else { return }
        let surplus = entries.count - Self.maximumCount
        for entry in entries[..<surplus] { forgottenUpTo = max(forgottenUpTo, entry.window.time) }
        entries.removeFirst(surplus)
    }

    /// Forgets what ended before a moment, but for the newest entry of each process: it may hold the write lock still.
    mutating func forget(before moment: Instant) {
        guard entries.count > 64 else { return }
        var newest: Set<Int32> = []
        var kept: [Entry] = []
        for entry in entries.reversed() {
            let isNewest = newest.insert(entry.writer?.process.pid ?? 0).inserted
            if isNewest || entry.window.time >= moment { kept.append(entry) }
        }
        entries = kept.reversed()
    }

    /// Nobody wrote between a moment and this one, which is not before it; nil where that is not known.
    func firstWrite(since moment: Instant) -> Instant? {
        guard moment > forgottenUpTo else { return nil }
        return entries.filter { $0.window.time >= moment }.map(\.window.earliest).min()
    }

    /// Whether it is one of those that are remembered.
    func holds(_ process: ActorProcess) -> Bool {
        entries.contains { $0.writer?.process.instance == process.instance }
    }

    /// The writers of a commit that became visible in (low, high].
    ///
    /// Its frames were written in that time, or before it by the process that held the write lock at `low`.
    func writers(
        low: Instant, high: Instant, holder: Int32?
    ) -> (attribution: CapturedCommit.Attribution, writers: [ActorProcess]) {
        var found: [ActorProcess] = []
        var isSure = low > forgottenUpTo
        var lastAdded: Writer?
        func add(_ writer: Writer?) {
            guard let writer else {
                isSure = false
                return
            }
            if writer === lastAdded { return }
            lastAdded = writer
            let process = writer.process
            if !found.contains(where: { $0.instance == process.instance && $0.exe == process.exe }) {
                found.append(process)
            }
        }
        for entry in entries where entry.window.time >= low && entry.window.earliest <= high { add(entry.writer) }
        if let holder {
            let last = entries.last { $0.writer?.process.pid == holder }
            add(last?.writer)
        }
        guard !found.isEmpty else { return (.unknown, []) }
        return (found.count == 1 && isSure ? .exact : .set, found)
    }
}
