import Block
import Model
import Segment

/// What *capture* found out, in the order of each database's commits.
enum CaptureItem: Sendable {
    /// A database was met, or its condition changed.
    case stream(DatabaseStream)
    case commits(UUIDBytes, CapturedBatch)
    case gap(UUIDBytes, CaptureGap)
    /// Somebody who never wrote the log wrote the file, and nothing proves yet that it was copied from the log: what is in
    /// it is to be compared with what its commits give.
    case doubted(UUIDBytes)
    /// A database with a rollback journal was written, or somebody wants to know whether it was: a look at it is due, whose
    /// finding `takeFindings` gives, with the number of the request. A state that was found for an earlier one goes.
    case journaled(UUIDBytes, request: UInt64)
    /// What the state is that was found last.
    case verdict(UUIDBytes, JournalVerdict)
    /// The database has a log from now on.
    case logged(UUIDBytes)
    /// Everything that was committed by then has been handed on before, or a gap stands for it. Said at the end, and where
    /// somebody asks.
    case watched(UUIDBytes, until: Instant)
    /// Somebody waits until everything that was handed on before is stored.
    case barrier(UInt64)
    /// More than `count` databases are written with a rollback journal: this one is not listed, nor those met later.
    case unlisted(RawPath, count: Int, at: Instant)
    /// The log of a database was written, and gone before anything of it was read; the database is not known otherwise.
    case unseen(RawPath, low: Instant, high: Instant)
}

/// A generation of a log, by its salts, and a frame in it.
struct LogPlace: Hashable, Sendable {
    var salts: UInt64
    var frame: UInt32
}

/// Where *capture* hands on what it found; it never waits there.
protocol CaptureSink: Sendable {
    /// The stream that is stored for the file of `stream`, or `stream` itself where it is new, and where in a log its last
    /// commit ended. From now on it is numbered for whoever asked with its last path.
    func resume(_ stream: DatabaseStream) -> (stream: DatabaseStream, last: LogPlace?)
    /// Gives away the next `count` numbers of a stream.
    ///
    /// Returns: the first of them; nil where the stream was resumed under another path since: a file with two names has
    /// two logs, and neither knows of the other.
    func claim(_ count: UInt64, of stream: UUIDBytes, as path: RawPath) -> UInt64?
    /// Takes over an item. Only while there is room, but what does not fit any more must not be lost unnoticed.
    func take(_ item: CaptureItem)
    /// What looks at databases with rollback journals found since the last call.
    func takeFindings() -> [JournalFinding]
    /// While there is none, logs are not read: what is overwritten meanwhile is counted.
    var hasRoom: Bool { get }
}
