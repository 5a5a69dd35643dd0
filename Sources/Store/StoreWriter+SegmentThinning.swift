internal import Block
internal import Model

/// The row of a whole base image.
private struct WholeImage {
    var stream: Int64
    var uuid: UUIDBytes
    var commit: UInt64
    var low: Instant
    var high: Instant
    var byteCount: UInt64
}

/// What lies between two whole base images of a stream.
private struct ImageInterval {
    /// The image before the older one.
    var previous: WholeImage?
    var older: WholeImage
    var newer: WholeImage
    /// No commit between them is kept.
    var isThinned: Bool
    /// The older one has nothing before it but another state, or nothing: it can go alone.
    var isLone: Bool

    /// The time without a state that dropping the older one would leave, in proportion to its age.
    func loneliness(at now: Instant) -> Double {
        func seconds(_ from: Instant, _ to: Instant) -> Double {
            (Double(to.nanosecondsSinceEpoch) - Double(from.nanosecondsSinceEpoch)) / 1e9
        }
        // Where times between states double with their age, this is the same for all: of the oldest, a third of what it
        // would be if there were one before.
        let span = previous.map { seconds($0.high, newer.high) } ?? 3 * seconds(older.high, newer.high)
        return span / max(1e-9, seconds(older.high, now))
    }
}

extension StoreWriter {
    /// Takes detail from the oldest history of watched databases where there is no room for all of it.
    ///
    /// First the commits between the two oldest whole base images go, and the images stay: of that time there are single
    /// states. When those images take more than a quarter of the whole, the one goes whose time is told best by its
    /// neighbours, in proportion to its age: the older a time, the fewer its states. Gaps of the streams say so.
    /// Returns: the bytes of the files; nil where no database has a second whole base image.
    mutating func thinSegments(now: Instant) throws(StoreError) -> UInt64? {
        let intervals = try imageIntervals()
        let thinned = intervals.filter(\.isThinned)
        let thinnedByteCount = thinned.reduce(0) { $0 &+ $1.older.byteCount }
        let whole = intervals.filter { !$0.isThinned }.min { $0.newer.high < $1.newer.high }
        if let whole, try thinnedByteCount <= segmentByteCount() / 4 {
            return try drop(
                DroppedHistory(
                    stream: whole.older.stream, uuid: whole.older.uuid, keptBase: whole.older.commit,
                    first: whole.older.commit &+ 1, newBase: whole.newer.commit, low: whole.older.high,
                    high: whole.newer.high))
        }
        let needless = thinned.filter(\.isLone).min { $0.loneliness(at: now) < $1.loneliness(at: now) } ?? whole
        guard let needless else { return nil }
        return try drop(
            DroppedHistory(
                stream: needless.older.stream, uuid: needless.older.uuid, keptBase: needless.previous?.commit,
                first: (needless.previous ?? needless.older).commit &+ 1, newBase: needless.newer.commit,
                low: needless.previous?.high ?? needless.older.low, high: needless.newer.high))
    }

    private func imageIntervals() throws(StoreError) -> [ImageInterval] {
        var images: [WholeImage] = []
        try connection.prepare(
            "whole base images",
            """
            SELECT stream.id, stream.uuid, commit_number, low, high, byte_count
            FROM base_image JOIN stream ON stream.id = base_image.stream
            WHERE built_on IS NULL ORDER BY stream.id, commit_number
            """
        ).forEachRow { (row) throws(StoreError) in
            images.append(
                WholeImage(
                    stream: row.integer(0), uuid: UUIDBytes(row.bytes(1)), commit: row.count(2),
                    low: Instant(nanosecondsSinceEpoch: row.integer(3)),
                    high: Instant(nanosecondsSinceEpoch: row.integer(4)), byteCount: row.count(5)))
        }
        var intervals: [ImageInterval] = []
        var previous: WholeImage?
        for (older, newer) in zip(images, images.dropFirst()) {
            if older.stream != previous?.stream { previous = nil }
            guard older.stream == newer.stream else { continue }
            let isThinned = try !holdsCommits(older, newer)
            intervals.append(
                ImageInterval(
                    previous: previous, older: older, newer: newer, isThinned: isThinned,
                    isLone: previous == nil || intervals.last?.isThinned == true))
            previous = older
        }
        return intervals
    }

    private func holdsCommits(_ older: WholeImage, _ newer: WholeImage) throws(StoreError) -> Bool {
        try connection.prepare(
            "commits between base images",
            """
            SELECT EXISTS (SELECT 1 FROM segment WHERE stream = ?1 AND first_commit > ?2 AND last_commit <= ?3)
                OR EXISTS (SELECT 1 FROM base_image WHERE stream = ?1 AND commit_number > ?2 AND commit_number < ?3)
            """
        ).first([.integer(older.stream), .count(older.commit), .count(newer.commit)]) { (row) throws(StoreError) in
            row.integer(0) != 0
        } ?? false
    }
}
