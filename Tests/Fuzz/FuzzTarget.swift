/// The decoders that read what others may have written, each under the name that `scripts/fuzz` takes.
///
/// A run ends by returning: input that cannot be read is thrown at by the decoder and that is caught here. What must hold of
/// input that can be read is a precondition, so that a fuzzer sees it as a crash.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// A block of events, and the filter beside it.
    case block
    /// A segment of captured commits.
    case segment
    /// The image of a database that segments build on.
    case base
    /// The `-wal` and `-shm` of a watched database, as they change.
    case log
    /// The pages of a database before and after.
    case rows
    /// A block of events as part of a store that is asked.
    case scan

    package func run(_ input: [UInt8]) {
        switch self {
        case .block: Self.runBlock(input)
        case .segment: Self.runSegment(input)
        case .base: Self.runBase(input)
        case .log: Self.runLog(input)
        case .rows: Self.runRows(input)
        case .scan: Self.runScan(input)
        }
    }
}

/// Takes an input apart; what is not there is empty or zero.
struct InputCursor {
    private(set) var rest: ArraySlice<UInt8>

    init(_ input: [UInt8]) {
        rest = input[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 {
        rest.popFirst() ?? 0
    }

    /// Bytes as many as two bytes in front of them say, little-endian.
    mutating func counted() -> [UInt8] {
        let low = Int(byte())
        return bytes(low | Int(byte()) << 8)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

extension [UInt8] {
    /// Puts the low `count` bytes of a number at an offset, little-endian.
    mutating func put(_ value: UInt64, _ count: Int, at offset: Int) {
        for index in 0..<count { self[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
}
