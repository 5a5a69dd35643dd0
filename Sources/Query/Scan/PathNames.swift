internal import Block

/// The names behind a block's path indices, decoded only when one is needed that the question did not give itself.
///
/// Thread: one.
final class PathNames {
    private let reader: BlockReader
    private var known: [PathIndex: [UInt8]]
    private var dictionary: DecodedPaths?

    /// `known` are entries whose paths were given by the question.
    init(_ reader: BlockReader, known: [PathIndex: [UInt8]]) {
        self.reader = reader
        self.known = known
    }

    /// Makes sure that `path(_:)` knows all of `indices`; what is damaged is found here.
    func prepare(for indices: some Sequence<PathIndex>) throws(BlockError) {
        guard dictionary == nil else { return }
        guard !reader.hasPathDictionary else { return try useDictionary() }
        var missing: Set<PathIndex> = []
        let few = reader.header.pathCount / BlockReader.fewShare
        for index in indices where index != .absent && known[index] == nil {
            missing.insert(index)
            guard known.count + missing.count <= few else { return try useDictionary() }
        }
        for index in missing { known[index] = try reader.path(at: index) }
    }

    private func useDictionary() throws(BlockError) {
        // It has them all, and takes their memory.
        known = [:]
        dictionary = try reader.pathDictionary()
    }

    /// The whole path; nil where there is none. Range: an index that was prepared.
    func path(_ index: PathIndex) -> [UInt8]? {
        guard index != .absent else { return nil }
        guard let dictionary else { return known[index] }
        guard Int(index) < dictionary.count else { return nil }
        var bytes: [UInt8] = []
        dictionary.appendPath(index, to: &bytes)
        return bytes
    }
}
