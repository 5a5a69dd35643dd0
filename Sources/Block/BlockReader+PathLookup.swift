package import Model

/// Looking for a few paths without decoding the names of all.
extension BlockReader {
    /// The dictionary's entries for an absolute path: none when the block does not know it.
    ///
    /// Range: a path with at least one component. Cost: a look at each entry's directory; names are compared in the one
    /// directory only.
    package func pathIndices(of path: RawPath) throws(BlockError) -> [PathIndex] {
        try pathParts().indices(of: path.bytes.split(separator: UInt8(ascii: "/")))
    }

    /// The whole path of an entry, as `DecodedPaths.appendPath` gives it. Range: below the count of paths.
    package func path(at index: PathIndex) throws(BlockError) -> [UInt8] {
        try pathParts().path(index)
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
