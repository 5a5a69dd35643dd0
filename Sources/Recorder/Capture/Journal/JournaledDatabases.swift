import Block
import Model
import Segment
import Syscalls

/// The databases that are written with a rollback journal, by their paths.
///
/// Bounded: `maximumCount` are met in a run, and the next one is said not to be listed. Thread: *capture*.
struct JournaledDatabases {
    private var databases: [RawPath: JournaledDatabase] = [:]
    private var paths: [UUIDBytes: RawPath] = [:]
    /// Those of which something is under way: the others cost nothing.
    private var active: Set<RawPath> = []
    /// Those whose journals were written and that have a log all the same.
    private var others: Set<RawPath> = []
    /// Those whose first transaction was under way: the removal of the journal ends it.
    private var unborn: Set<RawPath> = []
    private var lastRequest: UInt64 = 0
    private let maximumCount: Int
    private var isTold = false

    /// Of one that is not captured yet, for people.
    static let reason = "with a rollback journal: not seen between two transactions yet"

    init(maximumCount: Int = 4_096) {
        self.maximumCount = maximumCount
    }

    /// Somebody wrote or removed the journal of `path`.
    ///
    /// Parameter known: the stream that it has already, of a log.
    mutating func note(
        _ note: LogNotes.Note, _ path: RawPath, known: DatabaseStream?, notes: LogNotes, access: DatabaseAccess,
        sink: some CaptureSink
    ) {
        // A file that went on under another name meanwhile is met again.
        if let one = databases[path], !one.isOwner(sink) { drop(path) }
        guard databases[path] != nil || meet(path, known, notes: notes, access: access, sink: sink) else { return }
        databases[path]?.note(note.process, note.window)
        active.insert(path)
    }

    func knows(_ path: RawPath) -> Bool { databases[path] != nil || unborn.contains(path) }

    /// Somebody wrote the file itself.
    mutating func noteChange(_ note: LogNotes.Note) {
        guard databases[note.path] != nil else { return }
        databases[note.path]?.note(note.process, note.window)
        active.insert(note.path)
    }

    private mutating func meet(
        _ path: RawPath, _ known: DatabaseStream?, notes: LogNotes, access: DatabaseAccess, sink: some CaptureSink
    ) -> Bool {
        guard !isTold, !others.contains(path) else { return false }
        unborn.remove(path)
        guard let file = access.openFile(path), let status = try? file.status() else { return false }
        let identity = DatabaseFiles.Identity(device: status.device, inode: status.inode)
        guard let header = Header(of: file) else {
            if status.byteCount == 0, unborn.count < maximumCount { unborn.insert(path) }
            return false
        }
        guard header.isJournaled else {
            if known == nil, others.count < maximumCount { others.insert(path) }
            return false
        }
        guard databases.count < maximumCount else {
            isTold = true
            sink.take(.unlisted(path, count: maximumCount, at: Clock.realtime()))
            return false
        }
        let stream: DatabaseStream
        let birth = file.birth
        if let known, known.isFile(identity, born: birth) {
            stream = known
        } else {
            var generator = SystemRandomNumberGenerator()
            stream =
                sink.resume(
                    DatabaseStream(
                        uuid: UUIDBytes(high: generator.next(), low: generator.next()), device: identity.device,
                        inode: identity.inode, birth: birth, paths: [path], pageSize: header.pageSize,
                        firstSeen: Clock.realtime())
                ).stream
        }
        // Under its name of before nothing is asked any more.
        if let before = paths[stream.uuid] { drop(before) }
        var database = JournaledDatabase(stream)
        database.become(.rollbackJournal, Self.reason, sink: sink)
        databases[path] = database
        paths[stream.uuid] = path
        notes.watch(identity.inode)
        return true
    }

    /// The log of `path` was written: whatever comes from now on is in it.
    mutating func leave(_ path: RawPath, _ window: TimeWindow, sink: some CaptureSink) {
        others.remove(path)
        guard var database = drop(path) else { return }
        database.leave(window, sink: sink)
    }

    @discardableResult
    private mutating func drop(_ path: RawPath) -> JournaledDatabase? {
        active.remove(path)
        guard let database = databases.removeValue(forKey: path) else { return nil }
        if paths[database.stream.uuid] == path { paths[database.stream.uuid] = nil }
        return database
    }

    mutating func doubtNotes(at moment: Instant) {
        let window = TimeWindow(earliest: .distantPast, time: moment, clockOffsetNanoseconds: 0)
        for path in databases.keys { databases[path]?.doubtNotes(window) }
        active.formUnion(databases.keys)
    }

    // MARK: Looks

    /// Has those looked at that are due. Parameter isHeldUp: something else of a path is still to be handed on before.
    mutating func begin(sink: some CaptureSink, isHeldUp: (RawPath) -> Bool) {
        for path in active where !isHeldUp(path) {
            lastRequest += 1
            databases[path]?.begin(number: lastRequest, sink: sink)
        }
    }

    mutating func takeFindings(from sink: some CaptureSink) {
        for finding in sink.takeFindings() {
            guard let path = paths[finding.stream] else { continue }
            switch finding.content {
            case .over, .otherFile:
                // The next that writes its journal meets what is there then.
                let window = TimeWindow(earliest: finding.begun, time: finding.begun, clockOffsetNanoseconds: 0)
                leave(path, window, sink: sink)
            case .gone:
                var database = drop(path)
                database?.end(sink: sink)
            default: databases[path]?.take(finding)
            }
        }
    }

    mutating func handOn(resolvedUpTo: Instant, sink: some CaptureSink) {
        for path in active {
            if databases[path]?.isOwner(sink) == false { drop(path) }
            databases[path]?.handOn(resolvedUpTo: resolvedUpTo, sink: sink)
            if databases[path]?.isBusy != true { active.remove(path) }
        }
    }

    /// Hands on what still waits for names: nobody is known to be the only writer.
    mutating func giveUp(sink: some CaptureSink) {
        guard waitsFor != nil else { return }
        doubtNotes(at: Clock.realtime())
        handOn(resolvedUpTo: .distantFuture, sink: sink)
    }

    /// The newest moment that a finding waits to be resolved up to.
    var waitsFor: Instant? { active.compactMap { databases[$0]?.waitsFor }.max() }
    var isBusy: Bool { !active.isEmpty }

    // MARK: Up to when they are known

    var isAsked: Bool { active.contains { databases[$0]?.inquiry != nil } }

    mutating func ask(at moment: Instant) {
        for path in databases.keys { databases[path]?.ask(at: moment) }
        active.formUnion(databases.keys)
    }

    mutating func endAsking() {
        for path in active { databases[path]?.endAsking() }
    }

    /// What the first page of a database says. https://www.sqlite.org/fileformat2.html §1.3
    struct Header {
        /// 512 … 65,536, a power of two.
        var pageSize: UInt32
        /// It is written with a rollback journal (write version 1), not with a log (2).
        var isJournaled: Bool
        var changeCounter: UInt32

        private static let byteCount = 100
        private static let magic = Array("SQLite format 3\u{0}".utf8)

        /// nil where it is not the header of a database.
        init?(of database: borrowing OwnedDescriptor) {
            var bytes: [UInt8] = []
            _ = try? database.read(upTo: Self.byteCount, at: 0, appendingTo: &bytes)
            guard bytes.count == Self.byteCount, bytes.starts(with: Self.magic) else { return nil }
            let size = UInt32(bytes[16]) << 8 | UInt32(bytes[17])
            pageSize = size == 1 ? 65_536 : size
            guard SegmentLimits.isPageSize(pageSize) else { return nil }
            isJournaled = bytes[18] == 1
            changeCounter = bytes[24..<28].reduce(0) { $0 << 8 | UInt32($1) }
        }
    }
}
