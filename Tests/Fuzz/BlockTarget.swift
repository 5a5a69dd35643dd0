package import Block

extension FuzzTarget {
    /// Input: a block, whose checksums are made right, so that what it says is believed. Its last 64 bytes also serve as
    /// the filter of a block.
    static func runBlock(_ input: [UInt8]) {
        var bytes = input
        BlockBytes.sign(&bytes)
        _ = try? BlockBytes.readEverything(bytes)
        _ = PathFilter.mayContain([UInt8](input.prefix(20)), in: Array(input.suffix(64)), key: BlockBytes.key)
    }
}

/// Blocks as bytes, for tests that change them.
package enum BlockBytes {
    package static let key = FilterKey(high: 0x1234, low: 0x5678)

    /// Asks a block for all it has. Throws: what is wrong with it.
    package static func readEverything(_ bytes: [UInt8]) throws(BlockError) {
        let reader = try BlockReader(bytes)
        let paths = try reader.pathDictionary()
        var path: [UInt8] = []
        for index in 0..<paths.count {
            path.removeAll(keepingCapacity: true)
            paths.appendPath(UInt32(index), to: &path)
        }
        for index in 0..<paths.directoryCount { paths.appendDirectory(UInt32(index), to: &path) }
        _ = try reader.processes()
        _ = try reader.facts()
        _ = try reader.commits()
        for index in reader.header.rowGroups.indices {
            for column in Column.allCases { _ = try reader.column(column, rowGroup: index) }
            _ = try reader.windows(of: index)
            _ = try reader.objects(rowGroup: index)
        }
        var merger = BlockMerger(level: 1, filterKey: key, rowGroupEventCount: 64)
        try merger.append(reader)
        _ = try merger.finish()
        try reader.verify()
    }

    /// Where the header ends and its checksum stands; schema/README.md, "The block".
    package static func headerEnd(_ bytes: [UInt8]) -> Int {
        var length = 0
        var offset = 5
        var shift = 0
        while offset < bytes.count, shift < 35 {
            length |= Int(bytes[offset] & 0x7F) << shift
            shift += 7
            offset += 1
            if bytes[offset - 1] < 0x80 { break }
        }
        return offset + length
    }

    /// The length of the bundle behind a header that ends there.
    package static func bundleByteCount(_ bytes: [UInt8], headerEnd end: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[end - 8 + $1]) << (8 * $1) }
    }

    /// Makes the checksums of bundle and header right again.
    package static func sign(_ bytes: inout [UInt8]) {
        let end = headerEnd(bytes)
        guard end >= 18, end + 8 <= bytes.count else { return }
        let bundle = end + 8..<end + 8 + bundleByteCount(bytes, headerEnd: end)
        if bundle.upperBound <= bytes.count { bytes.put(XXH3.hash64(Array(bytes[bundle])), 4, at: end - 4) }
        bytes.put(XXH3.hash64(Array(bytes[..<end])), 8, at: end)
    }
}
