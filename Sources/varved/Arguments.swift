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
        guard let nanoseconds = try? TimeSpan.parse(argument, needsUnit: true) else { return nil }
        self.nanoseconds = nanoseconds
    }

    var defaultValueDescription: String {
        let units: [(Int64, String)] = [(86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (1_000_000_000, "s")]
        let unit = units.first { nanoseconds % $0.0 == 0 } ?? (1_000_000, "ms")
        return "\(nanoseconds / unit.0)\(unit.1)"
    }
}

/// A size in bytes with an optional binary unit: `4096`, `500M`, `20G`.
struct SizeArgument: ExpressibleByArgument {
    var byteCount: UInt64

    init(byteCount: UInt64) { self.byteCount = byteCount }

    init?(argument: String) {
        guard let byteCount = ByteSize.parse(argument) else { return nil }
        self.byteCount = UInt64(byteCount)
    }

    var defaultValueDescription: String { ByteSize.text(Int64(clamping: byteCount)) }
}

/// A part of a hundred, `50` or `50%`.
struct PercentArgument: ExpressibleByArgument {
    var percent: UInt64

    init(percent: UInt64) { self.percent = percent }

    init?(argument: String) {
        guard let percent = UInt64(argument.last == "%" ? argument.dropLast() : argument[...]), percent <= 100 else {
            return nil
        }
        self.percent = percent
    }

    var defaultValueDescription: String { "\(percent)%" }
}
