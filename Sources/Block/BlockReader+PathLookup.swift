package import Model

/// Looking for a few paths without decoding the names of all.
extension BlockReader {
    /// The dictionary's entries for an absolute path: none when the block does not know it.
    ///
    /// Range: a path with at least one component; `group`, where it is known, is the only path group that can hold it.
    /// Cost: a look at each entry's directory; names are compared in the one directory only.
    package func pathIndices(of path: RawPath, inGroup group: Int? = nil) throws(BlockError) -> [PathIndex] {
        let components = path.bytes.split(separator: UInt8(ascii: "/"))
        var found: [PathIndex] = []
        for group in group.map({ $0..<$0 + 1 }) ?? 0..<pathGroupCount {
            let parts = try pathParts(group)
            let indices = try decoding("paths") { () throws(PartError) in try parts.indices(of: components) }
            found.append(contentsOf: indices)
        }
        return found
    }

    /// The whole path of an entry, as `DecodedPaths.appendPath` gives it. Range: below the count of paths.
    package func path(at index: PathIndex) throws(BlockError) -> [UInt8] {
        let parts = try pathParts(pathGroup(of: index))
        return try decoding("paths") { () throws(PartError) in try parts.path(index) }
    }

    /// How many bytes from its start a block is known by before the rest is read: the header of a segment takes some 5 KiB.
    package static var startByteCount: Int { 16 << 10 }

    /// The stretches of a block that are worth reading at once, when these row groups and path groups are to be looked at;
    /// in order. `start` is the start of the block; where it does not hold the whole header there are none.
    package static func stretches(
        after start: [UInt8], byteCount: Int,
        _ choose: (_ header: BlockHeader, _ pathGroupCount: Int) -> (rowGroups: [Int], pathGroups: [Int])
    ) -> [Range<Int>] {
        guard let layout = try? BlockLayout(start, byteCount: byteCount) else { return [] }
        let chosen = choose(layout.header, layout.pathGroupCount)
        let sections =
            chosen.rowGroups.map(BlockSection.rowGroup) + chosen.pathGroups.map(layout.section(ofPathGroup:)) + [.block]
        let bundle = layout.bundle.offset..<layout.bundle.offset + layout.bundle.storedByteCount
        return Set([bundle] + sections.map(layout.frames(of:))).filter { !$0.isEmpty }
            .sorted { $0.lowerBound < $1.lowerBound }
    }

    /// False when no event of a row group has one of these paths, be it as path or as target; true when one may.
    package func mayHavePath(of chunks: PathChunks, rowGroup: Int) throws(BlockError) -> Bool {
        guard let first = chunks.first else { return false }
        let stored = try part(.pathChunks, rowGroup)
        guard stored.isEmpty else { return chunks.intersects(stored) }
        return try mayHavePath(atOrAbove: first, rowGroup: rowGroup)
    }

    /// False when no event of a row group has a path or target of this index or above; true when one may.
    ///
    /// Paths are numbered as events first name them, and each row group says where its new ones begin.
    package func mayHavePath(atOrAbove index: PathIndex, rowGroup: Int) throws(BlockError) -> Bool {
        if try firstNewPath(rowGroup) > index { return true }
        let next = rowGroup + 1
        guard next < header.rowGroups.count else { return true }
        return try firstNewPath(next) > index
    }

    private func firstNewPath(_ rowGroup: Int) throws(BlockError) -> Int {
        let symbols = try pathSymbols(rowGroup)
        return try decoding("paths of row group \(rowGroup)") { () throws(PartError) in
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            var cursor = unsafe ByteCursor(symbols.span.bytes)
            return try cursor.count(atMost: header.pathCount)
        }
    }
}
