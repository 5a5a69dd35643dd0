private import Glibc
package import Model

/// How a calendar time becomes a moment.
package enum TimeZoneRule: Hashable, Sendable {
    case utc
    /// Seconds east of UTC.
    case fixed(Int)
    /// What TZ or /etc/localtime says, by localtime_r(3).
    case local

    /// The moment at which a clock in this zone shows `time`; nil outside the range of `Instant`.
    ///
    /// Of a time that a clock change repeats one of the two moments is given; one that it skips is read with the offset
    /// before or after the change.
    package func instant(of time: CivilTime) -> Instant? {
        guard (1_600...2_300).contains(time.year) else { return nil }
        let seconds: Int64
        switch self {
        case .utc: seconds = time.secondsSinceEpoch
        case .fixed(let offset): seconds = time.secondsSinceEpoch - Int64(offset)
        case .local:
            // The zone's offset is known by moment, so the first guess (the offset at this time in UTC) is corrected once
            // by the offset at the guessed moment.
            let shown = time.secondsSinceEpoch
            let guess = shown - offset(atSecond: shown)
            seconds = shown - offset(atSecond: guess)
        }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (value, carry) = whole.addingReportingOverflow(Int64(time.nanosecond))
        return overflow || carry ? nil : Instant(nanosecondsSinceEpoch: value)
    }

    /// What a clock in this zone shows at `instant`.
    package func civilTime(at instant: Instant) -> CivilTime {
        var time = CivilTime(secondsSinceEpoch: instant.secondsRoundedDown + Int64(offset(at: instant)))
        time.nanosecond = instant.nanosecondOfSecond
        return time
    }

    /// Seconds east of UTC at `instant`.
    package func offset(at instant: Instant) -> Int {
        Int(offset(atSecond: instant.secondsRoundedDown))
    }

    /// What people call the zone: `UTC`, `+01:00`, or of the local one what its clock is called in winter and summer of this
    /// year, such as `CET/CEST`.
    package var name: String {
        switch self {
        case .utc: return "UTC"
        case .fixed(let offset):
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            return "\(offset < 0 ? "-" : "+")\(two(abs(offset) / 3_600)):\(two(abs(offset) / 60 % 60))"
        case .local:
            let now = Int64(time(nil))
            let names = [now, now + 182 * 86_400].compactMap(Self.localName)
            guard let first = names.first else { return "local" }
            return names.last == first ? first : names.sorted().joined(separator: "/")
        }
    }

    private static func localName(atSecond second: Int64) -> String? {
        var moment = time_t(second)
        // SAFETY: both pointers are to locals that outlive the call; the name lies in storage of the C library that lives as
        // long as the zone is not set again, and is copied at once.
        var parts = unsafe tm()
        guard unsafe localtime_r(&moment, &parts) != nil, let name = unsafe parts.tm_zone else { return nil }
        let text = unsafe String(cString: name)
        return text.isEmpty ? nil : text
    }

    private func offset(atSecond second: Int64) -> Int64 {
        switch self {
        case .utc: return 0
        case .fixed(let offset): return Int64(offset)
        case .local:
            var moment = time_t(second)
            // SAFETY: both pointers are to locals that outlive the call; of the struct only a number is read.
            var parts = unsafe tm()
            guard unsafe localtime_r(&moment, &parts) != nil else { return 0 }
            return unsafe Int64(parts.tm_gmtoff)
        }
    }
}
