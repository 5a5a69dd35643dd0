/// Long runs of hexadecimal digits in names, kept as half bytes in a stream of their own.
///
/// The names of content-addressed files (git objects, image layers, build caches) are random digits: zstd spends more than
/// half a byte on each, and codes the names around them worse for their sake. Where such files are common they are a third
/// of all that a store holds.
///
/// Shape: in what a name adds to its prefix, the first run of at least 16 digits 0 … 9 and a … f, at most 255 of them, is
/// replaced by "/", which no name holds, and one byte, how many digits there are less 15. The digits stand in a second
/// stream, two a byte, the first in the high half; of an odd number the last low half is 0.
enum NameDigits {
    private static let leastCount = 16
    private static let mostCount = 255
    private static let mark = UInt8(ascii: "/")

    /// Appends what a name adds to its prefix, without a NUL, and its digits.
    static func append(_ rest: RawSpan, to rests: inout [UInt8], digits: inout [UInt8]) {
        guard rest.byteCount >= leastCount, let run = firstRun(in: rest) else {
            rests.append(contentsOf: rest)
            return
        }
        rests.append(contentsOf: rest.extracting(0..<run.lowerBound))
        rests.append(mark)
        rests.append(UInt8(truncatingIfNeeded: run.count &- leastCount &+ 1))
        rests.append(contentsOf: rest.extracting(run.upperBound..<rest.byteCount))
        for place in stride(from: run.lowerBound, to: run.upperBound, by: 2) {
            let high = value(of: rest.byte(at: place)) &<< 4
            digits.append(place &+ 1 < run.upperBound ? high | value(of: rest.byte(at: place &+ 1)) : high)
        }
    }

    /// The names as they were before the digits were taken out.
    ///
    /// Cost: a copy; nothing where there are no digits.
    static func expand(_ rests: [UInt8], _ digits: [UInt8]) throws(PartError) -> [UInt8] {
        guard !digits.isEmpty else { return rests }
        // Each byte of the digits becomes two at most.
        let limit = rests.count + 2 * digits.count
        guard limit <= BlockLimits.partByteCount else { throw .malformed("too many bytes of names") }
        var names: [UInt8] = []
        names.reserveCapacity(limit)
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        let source = unsafe rests.span.bytes
        var stored = unsafe ByteCursor(digits.span.bytes)
        var position = 0
        while position < source.byteCount {
            let found = source.first(mark, from: position)
            names.append(contentsOf: source.extracting(position..<found))
            guard found < source.byteCount else { break }
            guard found &+ 1 < source.byteCount else { throw .truncated }
            let excess = Int(source.byte(at: found &+ 1))
            guard excess > 0, excess &+ leastCount &- 1 <= mostCount else { throw .malformed("count of digits") }
            try appendDigits(excess &+ leastCount &- 1, of: &stored, to: &names)
            position = found &+ 2
        }
        try stored.expectEnd()
        return names
    }

    private static func appendDigits(
        _ count: Int, of stored: inout ByteCursor, to names: inout [UInt8]
    ) throws(PartError) {
        // Put together here, since each time something is appended takes longer than a digit.
        var digits = InlineArray<256, UInt8>(repeating: 0)
        var pair: UInt8 = 0
        for place in stride(from: 0, to: count, by: 2) {
            pair = try stored.byte()
            digits[place] = digit(pair >> 4)
            digits[place &+ 1] = digit(pair & 0xF)
        }
        if count & 1 == 1, pair & 0xF != 0 { throw .malformed("digit after the last") }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the digits.
        unsafe names.append(contentsOf: digits.span.bytes.extracting(0..<count))
    }

    private static func firstRun(in rest: RawSpan) -> Range<Int>? {
        var start = 0
        var place = 0
        while place < rest.byteCount {
            if isDigit(rest.byte(at: place)) {
                place &+= 1
                if place &- start == mostCount { return start..<place }
                continue
            }
            if place &- start >= leastCount { return start..<place }
            place &+= 1
            start = place
        }
        return place &- start >= leastCount ? start..<place : nil
    }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "a") < 6
    }

    @inline(__always)
    private static func value(of digit: UInt8) -> UInt8 {
        digit < UInt8(ascii: "a") ? digit &- UInt8(ascii: "0") : digit &- UInt8(ascii: "a") &+ 10
    }

    @inline(__always)
    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10
    }
}
