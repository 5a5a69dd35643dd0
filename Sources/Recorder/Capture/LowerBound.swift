import Model
import SQLiteWAL

/// The lower bound of when what the next look finds became visible.
///
/// That is when the look before began, unless that one left something that it saw: then it is the beginning of the look
/// before the one that saw it first. A bound that is too early makes an answer less exact, one too late makes it wrong.
struct LowerBound {
    private(set) var moment: Instant
    /// When the look began that saw all which is left of those before it.
    private var sawRest: Instant?

    init(_ moment: Instant) {
        self.moment = moment
    }

    /// Nothing that was there by then is still to be found, and nothing is left.
    mutating func raise(to other: Instant) {
        moment = max(moment, other)
        sawRest = nil
    }

    /// After a look that met no writer at work.
    mutating func pass(lookBegan: Instant, rest: CaptureRest) {
        switch rest {
        case .none: raise(to: lookBegan)
        case .new:
            if let sawRest { moment = max(moment, sawRest) }
            sawRest = lookBegan
        case .old: break
        }
    }
}
