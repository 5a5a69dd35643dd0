/// A moment on the recorder's wall clock.
///
/// Units: nanoseconds since 1970-01-01T00:00:00Z, leap seconds ignored (CLOCK_REALTIME, clock_gettime(2)).
/// Range: the years 1677 to 2262; arithmetic on untrusted values saturates instead of trapping.
package struct Instant: Hashable, Sendable, Comparable {
    package var nanosecondsSinceEpoch: Int64

    package init(nanosecondsSinceEpoch: Int64) {
        self.nanosecondsSinceEpoch = nanosecondsSinceEpoch
    }

    /// The start of the microsecond that holds `microseconds`, saturating at the ends of the range.
    package init(microsecondsSinceEpoch microseconds: Int64) {
        let (value, overflow) = microseconds.multipliedReportingOverflow(by: 1_000)
        nanosecondsSinceEpoch = overflow ? (microseconds < 0 ? .min : .max) : value
    }

    package static let distantPast = Instant(nanosecondsSinceEpoch: .min)
    package static let distantFuture = Instant(nanosecondsSinceEpoch: .max)

    package static func < (lhs: Instant, rhs: Instant) -> Bool {
        lhs.nanosecondsSinceEpoch < rhs.nanosecondsSinceEpoch
    }

    /// The microsecond at or before this moment. A window's start is stored so: outward rounding keeps the claim true.
    package var microsecondsRoundedDown: Int64 {
        let (quotient, remainder) = nanosecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The microsecond at or after this moment. A window's end is stored so.
    package var microsecondsRoundedUp: Int64 {
        let (quotient, remainder) = nanosecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000)
        return remainder > 0 ? quotient + 1 : quotient
    }

    /// This moment moved by `nanoseconds`, saturating.
    package func advanced(byNanoseconds nanoseconds: Int64) -> Instant {
        let (value, overflow) = nanosecondsSinceEpoch.addingReportingOverflow(nanoseconds)
        return Instant(nanosecondsSinceEpoch: overflow ? (nanoseconds < 0 ? .min : .max) : value)
    }
}
