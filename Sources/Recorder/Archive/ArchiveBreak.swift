import Segment
import Store

/// Why the chain of an archive's commits ends.
struct ArchiveBreak: Error, Hashable {
    /// For people.
    var cause: String

    init(_ cause: String) {
        self.cause = cause
    }

    init(_ error: SegmentError) {
        cause = "the store's commits cannot be archived: \(error)"
    }

    init(_ error: StoreError) {
        cause = error.description
    }
}
