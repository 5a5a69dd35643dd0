internal import Block
internal import Model
internal import Segment
internal import Store

/// The database that a question is about, with all that is known of it but its pages.
struct DatabaseSubject {
    let stream: DatabaseStream
    let history: DatabaseHistory
    let losses: DatabaseLosses
    /// Every commit that was visible by then is in the history, or a gap stands for it; nil where nothing was said.
    let watchedUntil: Instant?

    /// Where a moment is asked for that lies behind what the store knows, a live recorder is asked to catch up first.
    ///
    /// Throws: `StoreError`, `UsageError`.
    static func find(
        _ context: QueryContext, database name: RawPath, absolute: RawPath, upTo moments: [Instant]
    ) throws -> DatabaseSubject {
        let subject = try? DatabaseSubject(context, name, absolute)
        if let newest = moments.max(), newest > subject?.knownUntil ?? .distantPast {
            // Without an answer the store says what it knows.
            _ = try? ControlClient(context.storeDirectory).ask(
                "sync", "databases", timeoutNanoseconds: patienceNanoseconds)
        } else if let subject {
            return subject
        }
        return try DatabaseSubject(context, name, absolute)
    }

    private static let patienceNanoseconds: Int64 = 5_000_000_000

    private init(_ context: QueryContext, _ name: RawPath, _ absolute: RawPath) throws {
        let reader = try context.openStore()
        // In this order: what was known by a moment is in the rows that are read after it.
        let watched = try reader.watchedUntil()
        stream = try DatabaseChoice.find(name, absolute: absolute, in: try reader.streams())
        history = try DatabaseHistory(stream, reader)
        losses = try DatabaseLosses(history, reader)
        watchedUntil = watched[stream.uuid]
    }

    /// The newest moment of which the store knows the state without a doubt about later commits.
    private var knownUntil: Instant {
        let last = history.segments.map(\.high).max() ?? .distantPast
        return max(last, watchedUntil ?? .distantPast)
    }
}

extension DatabasePoint {
    var moment: Instant? { if case .moment(let moment) = self { moment } else { nil } }
}
