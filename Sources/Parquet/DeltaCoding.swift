/// DELTA_BINARY_PACKED: numbers as differences, each block's from its least, packed as narrowly as each quarter needs.
///
/// Shape: varints block size (128), quarters a block (4), number of values, then the first value as a zigzag varint; a
/// block is its least difference (zigzag varint), four widths of one byte, and the quarters' 32 packed values. Differences
/// wrap around.
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/, "DELTA_BINARY_PACKED"
enum DeltaCoding {
    private static let blockCount = 128
    private static let quarterCount = 32

    /// Range: `values` is not empty.
    static func append(_ values: [Int64], to bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(blockCount))
        bytes.append(varint: UInt64(blockCount / quarterCount))
        bytes.append(varint: UInt64(values.count))
        bytes.append(zigzag: values.first ?? 0)
        var start = 1
        while start < values.count {
            let end = min(values.count, start + blockCount)
            append(block: (start..<end).map { values[$0] &- values[$0 - 1] }, to: &bytes)
            start = end
        }
    }

    private static func append(block differences: [Int64], to bytes: inout [UInt8]) {
        let least = differences.min() ?? 0
        bytes.append(zigzag: least)
        let rests = differences.map { UInt64(bitPattern: $0 &- least) }
        let quarters = stride(from: 0, to: blockCount, by: quarterCount).map { first in
            first < rests.count ? rests[first..<min(rests.count, first + quarterCount)] : []
        }
        let widths = quarters.map { quarter in 64 - (quarter.max() ?? 0).leadingZeroBitCount }
        bytes.append(contentsOf: widths.map { UInt8($0) })
        // Quarters behind the last value have a width of 0 and no bytes; the last one is filled up.
        for (quarter, width) in zip(quarters, widths) where !quarter.isEmpty && width > 0 {
            var packer = BitPacker(width: width)
            for rest in quarter { packer.append(rest, to: &bytes) }
            for _ in quarter.count..<quarterCount { packer.append(0, to: &bytes) }
            packer.finish(into: &bytes)
        }
    }
}
