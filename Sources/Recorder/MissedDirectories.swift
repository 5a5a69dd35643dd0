import Model

/// Directories that should be marked and are not, on their way into gap rows: each by its path, up to a number.
struct MissedDirectories: Sendable {
    private struct Miss {
        var path: RawPath
        var cause: String
        var from: Instant
        var to: Instant
    }

    /// So many have a row of their own at a time; the others share one that names the tree.
    static let maximumNamedCount = 64
    /// So many that stay unmarked have a row of their own in a run; then one says that of the whole tree.
    static let maximumOpenCount = 1_024

    private var named: [Miss] = []
    private var openCount = 0
    private var givenUp: Set<RawPath> = []
    private var others: [RawPath: (count: UInt64, from: Instant, to: Instant, cause: String)] = [:]

    var isEmpty: Bool { named.isEmpty && others.isEmpty }

    /// Parameter to: `.distantFuture` where it stays unmarked. Parameter tree: the top that it lies below.
    mutating func add(_ path: RawPath, cause: String, from: Instant, to: Instant, tree: RawPath) {
        if givenUp.contains(tree) { return }
        if to == .distantFuture {
            openCount += 1
            if openCount > Self.maximumOpenCount {
                givenUp.insert(tree)
                let cause = "directories that come are not marked any more, after \(Self.maximumOpenCount): \(cause)"
                named.append(Miss(path: tree, cause: cause, from: from, to: to))
                return
            }
        }
        if named.count < Self.maximumNamedCount {
            named.append(Miss(path: path, cause: cause, from: from, to: to))
            return
        }
        var rest = others[tree] ?? (0, from, to, cause)
        rest.count += 1
        rest.from = min(rest.from, from)
        rest.to = max(rest.to, to)
        others[tree] = rest
    }

    /// The rows of all that was added since.
    mutating func takeGaps() -> [Gap] {
        var gaps = named.map {
            Gap(kind: .notCovered, from: $0.from, to: $0.to, count: nil, scope: $0.path, cause: $0.cause)
        }
        for (tree, rest) in others {
            gaps.append(
                Gap(
                    kind: .notCovered, from: rest.from, to: rest.to, count: nil, scope: tree,
                    cause: "\(rest.count) more directories below it: \(rest.cause)"))
        }
        named.removeAll()
        others.removeAll()
        return gaps
    }
}
