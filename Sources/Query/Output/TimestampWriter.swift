package import Model

/// Writes moments as RFC 3339 text; the date and clock of the last second written are kept, since events come in order.
package struct TimestampWriter: Sendable {
    private let zone: TimeZoneRule
    private var second = Int64.min
    private var offset = 0
    private var prefix: [UInt8] = []

    /// `zone` is the zone of the clock shown; machine-readable forms use UTC.
    package init(zone: TimeZoneRule = .utc) {
        self.zone = zone
    }

    /// The title of a column of moments for people, which names the zone that they leave out.
    package func title(_ word: String) -> String {
        "\(word) (\(zone.name))"
    }

    /// Appends `2026-11-23T13:00:00.123456789Z`, or the offset in place of Z outside UTC.
    package mutating func append(_ instant: Instant, to bytes: inout [UInt8]) {
        move(to: instant)
        bytes.append(contentsOf: prefix)
        bytes.append(UInt8(ascii: "."))
        bytes.append(decimal: instant.nanosecondOfSecond, width: 9)
        if zone == .utc {
            bytes.append(UInt8(ascii: "Z"))
        } else {
            bytes.append(UInt8(ascii: offset < 0 ? "-" : "+"))
            bytes.append(decimal: abs(offset) / 3_600, width: 2)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(decimal: abs(offset) / 60 % 60, width: 2)
        }
    }

    /// Appends `2026-11-23 13:00:00.123456`, for people: without the zone, cut to microseconds.
    package mutating func appendForPeople(_ instant: Instant, to bytes: inout [UInt8]) {
        move(to: instant)
        let first = bytes.count
        bytes.append(contentsOf: prefix)
        bytes[first + prefix.count - 9] = UInt8(ascii: " ")
        bytes.append(UInt8(ascii: "."))
        bytes.append(decimal: instant.nanosecondOfSecond / 1_000, width: 6)
    }

    /// The text of one moment. For rare use; `append` is for rows.
    package static func text(_ instant: Instant, zone: TimeZoneRule = .utc) -> String {
        var bytes: [UInt8] = []
        var writer = TimestampWriter(zone: zone)
        writer.append(instant, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func move(to instant: Instant) {
        let seconds = instant.secondsRoundedDown
        guard seconds != second else { return }
        second = seconds
        offset = zone.offset(at: instant)
        let time = CivilTime(secondsSinceEpoch: seconds + Int64(offset))
        prefix.removeAll(keepingCapacity: true)
        prefix.append(decimal: Int(time.year), width: 4)
        prefix.append(UInt8(ascii: "-"))
        prefix.append(decimal: time.month, width: 2)
        prefix.append(UInt8(ascii: "-"))
        prefix.append(decimal: time.day, width: 2)
        prefix.append(UInt8(ascii: "T"))
        prefix.append(decimal: time.hour, width: 2)
        prefix.append(UInt8(ascii: ":"))
        prefix.append(decimal: time.minute, width: 2)
        prefix.append(UInt8(ascii: ":"))
        prefix.append(decimal: time.second, width: 2)
    }
}
