/// What the parts of a block take.
package struct BlockStatistics: Sendable {
    /// One part: where it belongs and its sizes.
    package struct Part: Hashable, Sendable {
        /// The part's name in schema/README.md: "path", "names", "process columns", …
        package var name: String
        /// Nil for parts of the whole block.
        package var rowGroup: Int?
        /// Bytes in the block.
        package var storedByteCount: Int
        /// Bytes after decompression.
        package var byteCount: Int
        /// It lies in the bundle, so that its stored bytes are an estimate.
        package var isBundled = false

        package init(name: String, rowGroup: Int?, storedByteCount: Int, byteCount: Int) {
            self.name = name
            self.rowGroup = rowGroup
            self.storedByteCount = storedByteCount
            self.byteCount = byteCount
        }

        init(_ entry: PartEntry, rowGroup: Int?) {
            self.init(
                name: entry.kind.name, rowGroup: rowGroup, storedByteCount: entry.storedByteCount,
                byteCount: entry.byteCount)
            isBundled = entry.storage == .bundle
        }
    }

    package var parts: [Part]

    /// Stored bytes by part name, all row groups together, in the order of first appearance.
    package var storedByteCounts: [(name: String, byteCount: Int)] {
        var order: [(name: String, byteCount: Int)] = []
        for part in parts {
            if let index = order.firstIndex(where: { $0.name == part.name }) {
                order[index].byteCount += part.storedByteCount
            } else {
                order.append((part.name, part.storedByteCount))
            }
        }
        return order
    }
}
