import ArgumentParser
import Model
import Recorder

/// `--scope`.
struct ScopeArgument: ExpressibleByArgument {
    var value: RecorderOptions.Scope

    init(_ value: RecorderOptions.Scope) { self.value = value }

    init?(argument: String) {
        guard let value = RecorderOptions.Scope(rawValue: argument) else { return nil }
        self.value = value
    }

    var defaultValueDescription: String { value.rawValue }
    static var allValueStrings: [String] { RecorderOptions.Scope.allCases.map(\.rawValue) }
}

/// `--queue`.
struct QueueArgument: ExpressibleByArgument {
    var value: RecorderOptions.Queue

    init(_ value: RecorderOptions.Queue) { self.value = value }

    init?(argument: String) {
        guard let value = RecorderOptions.Queue(rawValue: argument) else { return nil }
        self.value = value
    }

    var defaultValueDescription: String { value.rawValue }
    static var allValueStrings: [String] { RecorderOptions.Queue.allCases.map(\.rawValue) }
}

/// `--ops`: a list of operation names.
struct OperationsArgument: ExpressibleByArgument {
    var mask: EventMask

    init?(argument: String) {
        guard let mask = try? Operation.parseList(argument), !mask.isEmpty else { return nil }
        self.mask = mask
    }

    static var allValueStrings: [String] { Operation.allCases.map(\.rawValue) + ["all"] }
}

/// A length of time with its unit: `250ms`, `2s`, `10m`, `12h`, `30d`.
struct DurationArgument: ExpressibleByArgument {
    var nanoseconds: Int64

    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    init?(argument: String) {
        let units: [(String, Int64)] = [
            ("ms", 1_000_000), ("us", 1_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
            ("d", 86_400_000_000_000), ("w", 604_800_000_000_000),
        ]
        guard let (unit, scale) = units.first(where: { argument.hasSuffix($0.0) }),
            let number = Int64(argument.dropLast(unit.count)), number > 0
        else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        nanoseconds = value
    }

    var defaultValueDescription: String { "\(nanoseconds / 1_000_000)ms" }
}

/// A size in bytes with an optional binary unit: `4096`, `500M`, `20G`.
struct SizeArgument: ExpressibleByArgument {
    var byteCount: UInt64

    init(byteCount: UInt64) { self.byteCount = byteCount }

    init?(argument: String) {
        var digits = argument[...]
        for suffix in ["iB", "B"] where digits.hasSuffix(suffix) {
            digits = digits.dropLast(suffix.count)
            break
        }
        let shifts: [Character: UInt64] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var shift: UInt64 = 0
        if let last = digits.last, let found = shifts[Character(last.uppercased())] {
            shift = found
            digits = digits.dropLast()
        }
        guard let number = UInt64(digits), number <= UInt64.max >> shift else { return nil }
        byteCount = number << shift
    }

    var defaultValueDescription: String { byteCount >= 1 << 30 ? "\(byteCount >> 30)G" : "\(byteCount)" }
}
