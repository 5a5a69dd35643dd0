/// The hybrid of runs and packed groups that levels and dictionary indices are written in.
///
/// Shape: a varint whose lowest bit tells a run (length in the other bits, then the value in whole bytes) from groups of
/// eight packed values (number of groups in the other bits).
/// Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/, "RLE"
enum RunCoding {
    /// Range: each value has at most `width` bits, 1 to 32.
    static func append(_ values: [UInt32], width: Int, to bytes: inout [UInt8]) {
        var first = 0
        var index = 0
        while index < values.count {
            let value = values[index]
            var end = index + 1
            while end < values.count, values[end] == value { end += 1 }
            // Groups are whole, so the beginning of a run may have to fill up the last of them.
            let filling = (8 - (index - first) % 8) % 8
            if end - index - filling >= 8 {
                append(groups: values[first..<(index + filling)], width: width, to: &bytes)
                bytes.append(varint: UInt64(end - index - filling) << 1)
                for shift in stride(from: 0, to: width, by: 8) {
                    bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
                }
                first = end
            }
            index = end
        }
        append(groups: values[first...], width: width, to: &bytes)
    }

    private static func append(groups values: ArraySlice<UInt32>, width: Int, to bytes: inout [UInt8]) {
        guard !values.isEmpty else { return }
        let groupCount = (values.count + 7) / 8
        bytes.append(varint: UInt64(groupCount) << 1 | 1)
        var packer = BitPacker(width: width)
        for value in values { packer.append(UInt64(value), to: &bytes) }
        for _ in values.count..<(groupCount * 8) { packer.append(0, to: &bytes) }
        packer.finish(into: &bytes)
    }
}
