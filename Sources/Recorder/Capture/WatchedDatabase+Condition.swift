import Block
import Model
import SQLiteWAL
import Segment
import Syscalls

/// What has become of capturing a database, as it is listed.
extension WatchedDatabase {
    /// What has the log's name cannot be opened as one: the database is listed so, and what is written is missed.
    ///
    /// Returns: false where there is nothing of that name, or no database.
    mutating func noteBadLog(_ window: TimeWindow, sink: some CaptureSink, access: DatabaseAccess) -> Bool {
        guard let problem = access.logProblem(of: path), let file = access.openFile(path),
            let identity = try? DatabaseFiles.identity(of: file)
        else { return false }
        let birth = file.birth
        let isOfStream =
            stream.map { $0.isFile(identity, born: birth) && sink.claim(0, of: $0.uuid, as: path) != nil } ?? false
        if !isOfStream { begin(identity, born: birth, sink: sink) }
        condemn(.unreadable, problem, .unreadable, sink: sink)
        return true
    }

    /// What a look says of it.
    mutating func judge(_ state: CaptureState, sink: some CaptureSink) {
        switch state {
        case .unsupported(let reason): condemn(.unsupported, reason, .unsupported, sink: sink)
        case .racing: break
        case .empty, .level, .behind, .pending, .unconfirmed:
            guard stream?.condition == .unsupported || stream?.condition == .unreadable else { return }
            become(.captured, sink: sink)
        }
    }

    /// Nothing can be captured as long as it is so: from the last look on commits are missing.
    mutating func condemn(
        _ condition: DatabaseStream.Condition, _ reason: String, _ cause: MissedCause, sink: some CaptureSink
    ) {
        guard stream != nil, stream?.condition != condition else { return }
        become(condition, reason, sink: sink)
        stage(.missed(count: nil, cause: cause), high: Clock.realtime(), low: lastLook)
    }

    mutating func become(_ condition: DatabaseStream.Condition, _ reason: String = "", sink: some CaptureSink) {
        guard stream != nil, stream?.condition != condition else { return }
        stream?.condition = condition
        stream?.detail = reason
        if let stream { sink.take(.stream(stream)) }
    }
}
