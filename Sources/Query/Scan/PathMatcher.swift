internal import Block
internal import Model

/// Decides for each path of a block's dictionary, once, whether it is asked for.
///
/// The automaton of a pattern is run over the tree of directories: what a directory's path leads to is kept and
/// continued for each name below it, so every name is read once a pattern.
struct PathMatcher {
    private let paths: [Glob]
    private let directories: [Glob]

    init(_ selection: Selection) {
        paths = selection.paths
        directories = selection.directories
    }

    /// One claim for each `PathIndex`.
    func matches(in dictionary: DecodedPaths) -> [Bool] {
        var result = [Bool](repeating: true, count: dictionary.count)
        for globs in [directories, paths] where !globs.isEmpty {
            var any = [Bool](repeating: false, count: dictionary.count)
            for glob in globs {
                if glob.matchesLastName {
                    matchNames(glob, dictionary, &any)
                } else if glob.hasOneWordStates {
                    matchTree(glob, dictionary, &any)
                } else {
                    matchLong(glob, dictionary, &any)
                }
            }
            for index in result.indices where !any[index] { result[index] = false }
        }
        return result
    }

    private func matchNames(_ glob: Glob, _ dictionary: DecodedPaths, _ any: inout [Bool]) {
        for index in any.indices where !any[index] {
            if glob.matchesWhole(dictionary.name(of: PathIndex(index))) { any[index] = true }
        }
    }

    private func matchTree(_ glob: Glob, _ dictionary: DecodedPaths, _ any: inout [Bool]) {
        let start = glob.startWord
        let states = DirectoryWalk(dictionary).fold(root: start) { parent, name in
            let below = glob.advanceOverSlash(word: parent)
            return below == 0 ? 0 : glob.advance(word: below, over: name)
        }
        // What follows a directory's slash is the same for all its names.
        let below = states.map { $0.map { glob.advanceOverSlash(word: $0) } ?? 0 }
        for index in any.indices where !any[index] {
            let directory = dictionary.directory(of: PathIndex(index))
            let state = directory == .absent ? start : below[Int(directory)]
            guard state != 0 else { continue }
            if glob.accepts(word: glob.advance(word: state, over: dictionary.name(of: PathIndex(index)))) {
                any[index] = true
            }
        }
    }

    /// The same for patterns of more than 63 elements, whose states are of several words.
    private func matchLong(_ glob: Glob, _ dictionary: DecodedPaths, _ any: inout [Bool]) {
        let states = DirectoryWalk(dictionary).fold(root: glob.start) { glob.state(below: $0, name: $1) }
        for index in any.indices where !any[index] {
            let directory = dictionary.directory(of: PathIndex(index))
            let name = dictionary.name(of: PathIndex(index))
            guard directory != .absent else {
                if glob.matchesWhole(name) { any[index] = true }
                continue
            }
            guard let before = states[Int(directory)] else { continue }
            if glob.accepts(glob.state(below: before, name: name)) { any[index] = true }
        }
    }
}

/// Computes a value for each directory from its parent's.
struct DirectoryWalk {
    private let dictionary: DecodedPaths

    init(_ dictionary: DecodedPaths) {
        self.dictionary = dictionary
    }

    /// The values by directory; nil for one whose ancestors do not end at the root.
    func fold<Value>(root: Value, _ step: (Value, ArraySlice<UInt8>) -> Value) -> [Value?] {
        var values = [Value?](repeating: nil, count: dictionary.directoryCount)
        guard !values.isEmpty else { return values }
        values[0] = root
        var isOrphan = [Bool](repeating: false, count: values.count)
        var chain: [DirectoryIndex] = []
        for first in values.indices where values[first] == nil && !isOrphan[first] {
            chain.removeAll(keepingCapacity: true)
            var directory = DirectoryIndex(first)
            // A parent may have a higher index than its child; a damaged tree may have a cycle, which the length ends.
            while values[Int(directory)] == nil, !isOrphan[Int(directory)], chain.count <= values.count {
                chain.append(directory)
                let parent = dictionary.parent(of: directory)
                guard parent != .absent, Int(parent) < values.count else { break }
                directory = parent
            }
            guard let known = values[Int(directory)] else {
                for orphan in chain { isOrphan[Int(orphan)] = true }
                continue
            }
            var value = known
            for directory in chain.reversed() {
                value = step(value, dictionary.name(ofDirectory: directory))
                values[Int(directory)] = value
            }
        }
        return values
    }
}
