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
        guard !reader.hasPathDictionary else {
            dictionary = try reader.pathDictionary()
            return
        }
        var missing: Set<PathIndex> = []
        let few = reader.header.pathCount / BlockReader.fewShare
        for index in indices where index != .absent && known[index] == nil {
            missing.insert(index)
            if missing.count > few { break }
        }
        guard !missing.isEmpty else { return }
        if missing.count > few {
            dictionary = try reader.pathDictionary()
        } else {
            for index in missing { known[index] = try reader.path(at: index) }
        }
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
