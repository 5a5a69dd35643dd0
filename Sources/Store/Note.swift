package import Model

/// A remark on the timeline.
package struct Note: Hashable, Sendable {
    /// The row's number; 0 while none was given.
    package var id: Int64
    package var moment: Instant
    /// Who made it, nil where that is not known.
    package var uid: UInt32?
    package var text: String

    package init(moment: Instant, uid: UInt32?, text: String) {
        id = 0
        self.moment = moment
        self.uid = uid
        self.text = text
    }
}

extension Note {
    static let columns = "id, moment, uid, text"

    /// From a row of `columns`.
    init(_ row: borrowing Statement) {
        self.init(
            moment: Instant(nanosecondsSinceEpoch: row.integer(1)),
            uid: row.optionalInteger(2).map { UInt32(clamping: $0) },
            text: row.text(3))
        id = row.integer(0)
    }
}
