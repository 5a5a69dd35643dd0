/// Walks over the pieces of a payload: what is local, then the content of each overflow page.
struct PayloadCursor {
    private let database: PagedDatabase
    private let payload: Payload
    private var rest: Int
    private var nextPage: UInt32
    private var isAtStart = true

    init(_ payload: Payload, in database: PagedDatabase) {
        self.payload = payload
        self.database = database
        rest = payload.byteCount
        nextPage = payload.firstOverflowPage
    }

    /// The next piece, never an empty one; nil at the end.
    ///
    /// A chain that runs in a circle ends with the payload's byte count, since each page takes something off it.
    mutating func next() throws(PagesError) -> ArraySlice<UInt8>? {
        if isAtStart {
            isAtStart = false
            rest -= payload.localByteCount
            if payload.localByteCount > 0 { return payload.local }
        }
        guard rest > 0 else { return nil }
        let page = try database.overflowPage(nextPage, of: payload)
        nextPage = page.bigEndian32(at: 0) ?? 0
        let count = min(rest, database.usableByteCount - 4)
        rest -= count
        return page[4..<4 + count]
    }

    /// True when both payloads have the same bytes.
    static func areEqual(
        _ one: Payload, in first: PagedDatabase, _ other: Payload, in second: PagedDatabase
    ) throws(PagesError) -> Bool {
        guard one.byteCount == other.byteCount else { return false }
        var (left, right) = (PayloadCursor(one, in: first), PayloadCursor(other, in: second))
        var (a, b): (ArraySlice<UInt8>, ArraySlice<UInt8>) = ([], [])
        while true {
            if a.isEmpty, let piece = try left.next() { a = piece }
            if b.isEmpty, let piece = try right.next() { b = piece }
            let count = min(a.count, b.count)
            guard count > 0 else { return a.isEmpty && b.isEmpty }
            guard a.prefix(count) == b.prefix(count) else { return false }
            a = a.dropFirst(count)
            b = b.dropFirst(count)
        }
    }
}
