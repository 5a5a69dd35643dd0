import Block
import Model

/// `--exclude`: a path is excluded when a pattern matches it or any directory above it.
///
/// Cost: each path of a batch is looked at once, whatever the number of its events.
struct ExclusionFilter {
    enum Verdict: UInt8 {
        case unknown
        case recorded
        case excluded
    }

    let patterns: [Glob]

    init(patterns: [Glob]) {
        self.patterns = patterns
    }

    var isEmpty: Bool { patterns.isEmpty }

    /// `verdicts` is indexed by path and grows with the dictionary; the caller clears it with the batch.
    func isExcluded(_ path: PathIndex, in paths: borrowing PathDictionary, verdicts: inout [Verdict]) -> Bool {
        // What lies above is not known yet; it is asked again when it is.
        if paths.isUnplaced(paths.directory(of: path)) { return false }
        let index = Int(path)
        while verdicts.count <= index { verdicts.append(.unknown) }
        if verdicts[index] == .unknown {
            var bytes: [UInt8] = []
            paths.appendPath(path, to: &bytes)
            verdicts[index] = patterns.contains { $0.matchesOrHolds(bytes) } ? .excluded : .recorded
        }
        return verdicts[index] == .excluded
    }
}
