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
        // Written in words; the last may write that much too far.
        var names = [UInt8](repeating: 0, count: limit + MemoryLayout<UInt64>.size)
        var target = names.mutableSpan
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        let (source, stored) = unsafe (rests.span.bytes, digits.span.bytes)
        var (position, taken, end) = (0, 0, 0)
        while position < source.byteCount {
            // Looked through and copied at once.
            if position &+ 8 <= source.byteCount {
                let word = source.word(at: position)
                target.store(word, at: end)
                let length = (word ^ UInt64(mark) &* 0x0101_0101_0101_0101).byteCountBeforeZero
                position &+= length
                end &+= length
                if length == 8 { continue }
            } else if source.byte(at: position) != mark {
                target[end] = source.byte(at: position)
                position &+= 1
                end &+= 1
                continue
            }
            let found = position
            guard found &+ 1 < source.byteCount else { throw .truncated }
            let excess = Int(source.byte(at: found &+ 1))
            guard excess > 0, excess &+ leastCount &- 1 <= mostCount else { throw .malformed("count of digits") }
            let count = excess &+ leastCount &- 1
            let next = taken &+ (count &+ 1) >> 1
            guard next <= stored.byteCount else { throw .truncated }
            if count & 1 == 1, stored.byte(at: next &- 1) & 0xF != 0 { throw .malformed("digit after the last") }
            expand(stored, taken..<next, to: end, &target)
            end &+= count
            taken = next
            position = found &+ 2
        }
        guard taken == stored.byteCount else { throw .malformed("bytes after the end") }
        names.removeLast(names.count - end)
        return names
    }

    /// Writes the digits that some bytes stand for; what the last word writes behind them is garbage.
    @inline(__always)
    private static func expand(
        _ stored: RawSpan, _ range: Range<Int>, to end: Int, _ target: inout MutableSpan<UInt8>
    ) {
        var (place, end) = (range.lowerBound, end)
        while place < range.upperBound {
            if place &+ 4 <= stored.byteCount {
                target.store(digits(of: stored.halfWord(at: place)), at: end)
                place &+= 4
                end &+= 8
            } else {
                target[end] = digit(stored.byte(at: place) >> 4)
                target[end &+ 1] = digit(stored.byte(at: place) & 0xF)
                place &+= 1
                end &+= 2
            }
        }
    }

    /// The eight digits of four bytes, the high half of each first.
    @inline(__always)
    private static func digits(of bytes: UInt32) -> UInt64 {
        var spread = UInt64(bytes)
        spread = (spread | spread &<< 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread &<< 8) & 0x00FF_00FF_00FF_00FF
        let values = spread &>> 4 & 0x000F_000F_000F_000F | (spread & 0x000F_000F_000F_000F) &<< 8
        // 1 in each byte of 10 and above.
        let letters = (values &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
        return values &+ 0x3030_3030_3030_3030 &+ letters &* UInt64(UInt8(ascii: "a") &- UInt8(ascii: "0") &- 10)
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
