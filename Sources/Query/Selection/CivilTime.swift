package import Model

/// A calendar date and a time of day, in whatever zone the context says. Proleptic Gregorian calendar.
package struct CivilTime: Hashable, Sendable {
    package var year: Int64
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    package var hour = 0
    package var minute = 0
    package var second = 0
    /// 0 to 999,999,999.
    package var nanosecond = 0

    package init(year: Int64, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The UTC date and time of `instant`.
    package init(_ instant: Instant) {
        self.init(secondsSinceEpoch: instant.secondsRoundedDown)
        nanosecond = instant.nanosecondOfSecond
    }

    /// The date and time that lie `seconds` after 1970-01-01T00:00:00.
    package init(secondsSinceEpoch seconds: Int64) {
        let days = seconds.flooredDivision(by: 86_400)
        let rest = Int(seconds - days * 86_400)
        self.init(daysSinceEpoch: days)
        hour = rest / 3_600
        minute = rest / 60 % 60
        second = rest % 60
    }

    /// Shape: days are counted from 0000-03-01, so that a leap day ends its year; 400 years are 146,097 days.
    private init(daysSinceEpoch days: Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredDivision(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: Int(month),
            day: Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1))
    }

    /// Days from 1970-01-01 to this date; negative before.
    package var daysSinceEpoch: Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear.flooredDivision(by: 400)
        let yearOfEra = marchYear - era * 400
        let marchMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Seconds from 1970-01-01T00:00:00 to this date and time, read as UTC.
    package var secondsSinceEpoch: Int64 {
        daysSinceEpoch * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
    }

    /// 0 is Sunday.
    package var weekday: Int {
        let day = (daysSinceEpoch + 4) % 7
        return Int(day < 0 ? day + 7 : day)
    }

    /// True when the month has such a day and the clock such a time (a leap second, 60, is accepted).
    package var isValid: Bool {
        (1...12).contains(month) && (1...Self.dayCount(ofMonth: month, year: year)).contains(day)
            && (0...23).contains(hour) && (0...59).contains(minute) && (0...60).contains(second)
    }

    private static func dayCount(ofMonth month: Int, year: Int64) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension Instant {
    /// The whole second at or before this moment.
    package var secondsRoundedDown: Int64 {
        nanosecondsSinceEpoch.flooredDivision(by: 1_000_000_000)
    }

    /// 0 to 999,999,999.
    package var nanosecondOfSecond: Int {
        Int(nanosecondsSinceEpoch &- secondsRoundedDown &* 1_000_000_000)
    }
}

extension Int64 {
    /// The quotient rounded towards negative infinity. Range: `divisor` > 0.
    func flooredDivision(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
