import Block
import TestSupport
import Testing

/// The numbers of the format, whose reading has a short way for each of one byte, two, up to eight, and more.
@Suite struct ByteCursorTests {
    @Test(arguments: 0..<4 as Range<UInt64>) func numbersOfAllLengthsComeBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        // Each length in bytes at each distance from the end.
        for trailing in 0..<12 {
            for bits in 0...64 {
                var number = bits == 0 ? 0 : random.next() >> UInt64(64 - bits)
                if bits > 0 { number |= 1 << UInt64(bits - 1) }
                var bytes: [UInt8] = []
                bytes.appendVarint(number)
                let length = bytes.count
                #expect(length == max(1, (bits + 6) / 7))
                for _ in 0..<trailing { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
                // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
                var cursor = unsafe ByteCursor(bytes.span.bytes)
                #expect(try cursor.varint() == number, "seed \(seed), \(bits) bits, \(trailing) bytes behind")
                #expect(cursor.offset == length)
            }
        }
    }

    @Test(arguments: 1...9) func aNumberThatIsCutOffIsTruncated(count: Int) {
        let bytes = [UInt8](repeating: 0x80, count: count)
        // SAFETY: as above.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        #expect(throws: PartError.self) { _ = try cursor.varint() }
    }

    @Test func paddedNumbersAreReadAndLongerOnesAreNot() throws {
        for count in 1...9 {
            let bytes = [0x81] + [UInt8](repeating: 0x80, count: count - 1) + [0] + [UInt8](repeating: 0xFF, count: 8)
            // SAFETY: as above.
            var cursor = unsafe ByteCursor(bytes.span.bytes)
            #expect(try cursor.varint() == 1, "\(count) bytes of continuation")
            #expect(cursor.offset == count + 1)
        }
        for last in [2, 0x7F] as [UInt8] {
            let bytes = [UInt8](repeating: 0xFF, count: 9) + [last]
            // SAFETY: as above.
            var cursor = unsafe ByteCursor(bytes.span.bytes)
            #expect(throws: PartError.self) { _ = try cursor.varint() }
        }
    }
}
