import TestSupport
import Testing

@testable import Parquet

/// Each coding is read back by a reader that was written from its description, not from the writer.
@Suite struct CodingTests {
    @Test(
        arguments: [
            // one value; nothing follows the header
            [7],
            // a block whose differences are all the same needs no bits
            (0..<200).map { Int64($0) * 1_000 },
            // the block's end, one before and one behind it
            Array(repeating: 3, count: 128), Array(repeating: 3, count: 129), Array(repeating: 3, count: 130),
            // the greatest differences that there are, which wrap around
            [.min, .max, .min, .max, 0, .min, -1],
            [0, .max, -1, .min],
        ] as [[Int64]])
    func differencesByTable(values: [Int64]) {
        var bytes: [UInt8] = []
        DeltaCoding.append(values, to: &bytes)
        var reader = BitReader(bytes)
        #expect(reader.differences() == values)
        #expect(reader.isAtEnd)
    }

    @Test func differencesOfAnyNumbers() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let count = Int.random(in: 1...400, using: &generator)
            let bits = Int.random(in: 0...63, using: &generator)
            let values = (0..<count).map { _ in Int64.random(in: .min ... .max, using: &generator) >> bits }
            var bytes: [UInt8] = []
            DeltaCoding.append(values, to: &bytes)
            var reader = BitReader(bytes)
            #expect(reader.differences() == values, "seed \(seed)")
            #expect(reader.isAtEnd, "seed \(seed)")
        }
    }

    @Test(
        arguments: [
            // nothing at all
            [],
            // too short for a run, and just long enough
            Array(repeating: 1, count: 7), Array(repeating: 1, count: 8),
            // the run has to fill up a group before it may stand for itself
            [0, 1, 0] + Array(repeating: 1, count: 13), [0, 1, 0] + Array(repeating: 1, count: 12),
            // groups after a run
            Array(repeating: 0, count: 100) + [1, 0, 1],
        ] as [[UInt32]])
    func runsByTable(values: [UInt32]) {
        var bytes: [UInt8] = []
        RunCoding.append(values, width: 1, to: &bytes)
        var reader = BitReader(bytes)
        #expect(reader.runs(count: values.count, width: 1) == values)
        #expect(reader.isAtEnd)
    }

    @Test func runsOfAnyLengthAndWidth() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for width in 1...32 {
            for _ in 0..<20 {
                var values: [UInt32] = []
                for _ in 0..<Int.random(in: 0...20, using: &generator) {
                    let value = UInt32.random(in: 0...UInt32.max, using: &generator) >> UInt32(32 - width)
                    values += Array(repeating: value, count: Int.random(in: 1...30, using: &generator))
                }
                var bytes: [UInt8] = []
                RunCoding.append(values, width: width, to: &bytes)
                var reader = BitReader(bytes)
                #expect(reader.runs(count: values.count, width: width) == values, "seed \(seed) width \(width)")
                #expect(reader.isAtEnd, "seed \(seed) width \(width)")
            }
        }
    }

    @Test func structuresAreThoseOfTheCompactProtocol() {
        var thrift = ThriftWriter()
        thrift.structure { outer in
            outer.int32(1, -1)
            outer.int64(2, 300)
            outer.structure(5) { inner in
                inner.boolean(1, true)
                inner.boolean(2, false)
                inner.int8(3, -2)
            }
            // Further than fifteen from the last one.
            outer.text(40, "ab")
            outer.list(41, of: .int32, count: 16)
            for value in 0..<16 { outer.element(Int32(value)) }
        }
        let expected: [UInt8] =
            [0x15, 0x01, 0x16, 0xD8, 0x04, 0x3C, 0x11, 0x12, 0x13, 0xFE, 0x00, 0x08, 0x50, 0x02, 0x61, 0x62]
            + [0x19, 0xF5, 0x10] + (0..<16).map { UInt8($0 * 2) } + [0x00]
        #expect(thrift.bytes == expected)
    }
}

/// Reads bits and varints.
struct BitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        position += 1
        return bytes[position - 1]
    }

    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let next = byte()
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { break }
        }
        return value
    }

    mutating func zigzag() -> Int64 {
        let value = varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// `count` numbers of `width` bits each, bit by bit.
    mutating func packed(count: Int, width: Int) -> [UInt64] {
        let first = position * 8
        position += (count * width + 7) / 8
        return (0..<count).map { index in
            (0..<width).reduce(UInt64(0)) { value, bit in
                let place = first + index * width + bit
                guard place / 8 < bytes.count else { return value }
                return value | UInt64(bytes[place / 8] >> UInt8(place % 8) & 1) << UInt64(bit)
            }
        }
    }

    /// A DELTA_BINARY_PACKED page.
    mutating func differences() -> [Int64] {
        let blockCount = Int(varint())
        let quarterCount = Int(varint())
        let count = Int(varint())
        var values = [zigzag()]
        while values.count < count {
            let least = zigzag()
            let widths = (0..<quarterCount).map { _ in Int(byte()) }
            for width in widths where values.count < count {
                for rest in packed(count: blockCount / quarterCount, width: width) where values.count < count {
                    values.append(values[values.count - 1] &+ least &+ Int64(bitPattern: rest))
                }
            }
        }
        return values
    }

    /// Runs and packed groups.
    mutating func runs(count: Int, width: Int) -> [UInt32] {
        var values: [UInt32] = []
        while values.count < count {
            let header = varint()
            if header & 1 == 0 {
                var value: UInt32 = 0
                for shift in stride(from: 0, to: width, by: 8) { value |= UInt32(byte()) << UInt32(shift) }
                values += Array(repeating: value, count: Int(header >> 1))
            } else {
                values += packed(count: Int(header >> 1) * 8, width: width).map { UInt32($0) }
            }
        }
        return Array(values.prefix(count))
    }
}
