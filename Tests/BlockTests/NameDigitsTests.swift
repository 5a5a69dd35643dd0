import Model
import TestSupport
import Testing

@testable import Block

@Suite struct NameDigitsTests {
    /// Takes the digits out of names and puts them back.
    private func stored(_ names: [[UInt8]]) -> (rests: [UInt8], digits: [UInt8]) {
        var rests: [UInt8] = []
        var digits: [UInt8] = []
        for name in names {
            // SAFETY: bytes have no padding, and the array outlives the call.
            unsafe NameDigits.append(name.span.bytes, to: &rests, digits: &digits)
            rests.append(0)
        }
        return (rests, digits)
    }

    @Test func theBytesAreThoseOfTheSpecification() {
        let (rests, digits) = stored([
            Array("pack-0123456789abcdef0.idx".utf8), Array("0123456789abcde".utf8),
            Array("ABCDEF0123456789ABCDEF".utf8),
            Array("00112233445566778899".utf8),
        ])
        #expect(
            rests == Array("pack-/".utf8) + [2] + Array(".idx".utf8) + [0] + Array("0123456789abcde".utf8) + [0]
                + Array("ABCDEF0123456789ABCDEF".utf8) + [0] + Array("/".utf8) + [5, 0])
        #expect(
            digits == [
                0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x00, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                0x88,
                0x99,
            ])
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func whatIsTakenOutComesBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789abcdefgA-_".utf8)
        var names: [[UInt8]] = []
        for _ in 0..<50 {
            var name: [UInt8] = []
            for _ in 0..<random.below(256) {
                name.append(alphabet[random.below(random.chance(1, of: 20) ? alphabet.count : 16)])
            }
            names.append(name)
        }
        let (rests, digits) = stored(names)
        var expected: [UInt8] = []
        for name in names { expected += name + [0] }
        #expect(try NameDigits.expand(rests, digits) == expected, "seed \(seed)")
        #expect(rests.count + digits.count <= expected.count)
    }

    /// Whatever the bytes are, they are names or an error.
    @Test(arguments: 0..<300 as Range<UInt64>) func damagedDigitsNeverTrap(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var rests = (0..<random.below(60)).map { _ in
            random.chance(1, of: 3) ? UInt8(ascii: "/") : UInt8(random.below(256))
        }
        let digits = (0..<random.below(80)).map { _ in UInt8(random.below(256)) }
        if random.chance(1, of: 2) { rests.append(0) }
        let names = try? NameDigits.expand(rests, digits)
        #expect((names?.count ?? 0) <= rests.count + 2 * digits.count, "seed \(seed)")
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func bytesThatAreZeroAreCounted(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let range = 1 + random.below(random.chance(1, of: 3) ? 1 : 256)
        let bytes = (0..<random.below(6_000)).map { _ in UInt8(random.below(range)) }
        // SAFETY: bytes have no padding, and the array outlives the call.
        let count = unsafe bytes.span.bytes.zeroCount
        #expect(count == bytes.count { $0 == 0 }, "seed \(seed)")
    }

    @Test func moreDigitsThanNamesSayIsAnError() {
        #expect(throws: PartError.self) { try NameDigits.expand([0x2F, 1, 0], Array(repeating: 0x11, count: 9)) }
        #expect(throws: PartError.self) { try NameDigits.expand([0x2F, 1, 0], Array(repeating: 0x11, count: 7)) }
        #expect(throws: PartError.self) { try NameDigits.expand([0x2F, 2, 0], Array(repeating: 0x11, count: 9)) }
        #expect(throws: PartError.self) { try NameDigits.expand([0x2F, 0], [1]) }
        #expect(throws: PartError.self) { try NameDigits.expand([0x2F], [1]) }
        #expect(throws: PartError.self) { try NameDigits.expand([0x2F, 241, 0], Array(repeating: 0x11, count: 200)) }
    }

    @Test func randomNamesTakeHalfAByteADigit() throws {
        var random = SeededGenerator(seed: 7)
        var batch = Batch()
        batch.windows = [
            TimeWindow(
                earliest: Instant(nanosecondsSinceEpoch: 1_700_000_000_000_000_000),
                time: Instant(nanosecondsSinceEpoch: 1_700_000_000_001_000_000), clockOffsetNanoseconds: 0)
        ]
        let hex = Array("0123456789abcdef".utf8)
        for _ in 0..<4_000 {
            let name = (0..<40).map { _ in hex[random.below(16)] }
            batch.append(
                window: 0, process: .absent, path: batch.internPath(0, name), target: .absent, object: nil,
                mask: .create,
                flags: [])
        }
        var encoder = BlockEncoder(level: 9, filterKey: Samples.key)
        let block = try encoder.encode(batch, firstSequence: 1, run: Samples.run, origin: Samples.origin)
        #expect(block.bytes.count < 4_000 * 20 + 4_000, "\(block.bytes.count) bytes")
        #expect(try PlainBlock(BlockReader(block.bytes)).events == PlainBlock(batch, firstSequence: 1).events)
    }
}
