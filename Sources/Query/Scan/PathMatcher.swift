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

    /// The only paths asked for, where no pattern holds a wildcard: they are looked up instead of matched.
    var literals: [RawPath]? {
        guard directories.isEmpty else { return nil }
        let literals = paths.compactMap(\.literalPath).filter { $0.bytes != [UInt8(ascii: "/")] }
        return literals.count == paths.count ? literals : nil
    }

    /// One claim for each `PathIndex` of a block.
    func matches(in block: BlockReader) throws(BlockError) -> [Bool] {
        let all = paths + directories
        guard !block.hasPathDictionary, all.allSatisfy({ $0.isSubtree && $0.literalDirectory != nil }) else {
            return matches(in: try block.pathDictionary())
        }
        var result = [Bool](repeating: true, count: block.header.pathCount)
        for globs in [directories, paths] where !globs.isEmpty {
            var any = [Bool](repeating: false, count: result.count)
            for directory in globs.compactMap(\.literalDirectory) { try matchSubtree(directory, block, &any) }
            for index in result.indices where !any[index] { result[index] = false }
        }
        return result
    }

    /// A directory and everything below it, by where paths lie: hardly a name is looked at.
    private func matchSubtree(
        _ directory: RawPath, _ block: BlockReader, _ any: inout [Bool]
    ) throws(BlockError) {
        let components = directory.bytes.split(separator: UInt8(ascii: "/"))
        let depths = DirectoryWalk(try block.directoryNames()).depths(along: components)
        for group in 0..<block.pathGroupCount {
            var mayHoldDirectory = false
            for (index, place) in zip(block.paths(ofGroup: group), try block.pathDirectories(ofGroup: group))
            where place != .absent {
                let depth = depths[Int(place)]
                if depth >= components.count { any[index] = true }
                if depth == components.count - 1 { mayHoldDirectory = true }
            }
            guard mayHoldDirectory else { continue }
            for index in try block.pathIndices(of: directory, inGroup: group) { any[Int(index)] = true }
        }
    }

    /// One claim for each `PathIndex`.
    func matches(in dictionary: DecodedPaths) -> [Bool] {
        var result = [Bool](repeating: true, count: dictionary.count)
        for globs in [directories, paths] where !globs.isEmpty {
            var any = [Bool](repeating: false, count: dictionary.count)
            for glob in globs {
                if let path = glob.literalPath {
                    matchLiteral(path, dictionary, &any)
                } else if glob.isSubtree, let directory = glob.literalDirectory {
                    matchSubtree(directory, dictionary, &any)
                } else if glob.matchesLastName {
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

    /// One path: names are compared only in the one directory that can hold it.
    private func matchLiteral(_ path: RawPath, _ dictionary: DecodedPaths, _ any: inout [Bool]) {
        let components = path.bytes.split(separator: UInt8(ascii: "/"))
        guard let name = components.last else {
            matchSubtree(path, dictionary, &any, withDescendants: false)
            return
        }
        let depths = DirectoryWalk(dictionary.directories).depths(along: components)
        for index in any.indices {
            let directory = dictionary.directory(of: PathIndex(index))
            guard directory != .absent, depths[Int(directory)] == components.count - 1 else { continue }
            if dictionary.name(of: PathIndex(index)).elementsEqual(name) { any[index] = true }
        }
    }

    /// A directory and everything below it.
    private func matchSubtree(
        _ directory: RawPath, _ dictionary: DecodedPaths, _ any: inout [Bool], withDescendants: Bool = true
    ) {
        let components = directory.bytes.split(separator: UInt8(ascii: "/"))
        let depths = DirectoryWalk(dictionary.directories).depths(along: components)
        for index in any.indices {
            let place = dictionary.directory(of: PathIndex(index))
            guard place != .absent, depths[Int(place)] >= components.count - 1 else { continue }
            let name = dictionary.name(of: PathIndex(index))
            if depths[Int(place)] >= components.count {
                if withDescendants || name.isEmpty { any[index] = true }
            } else if let last = components.last, name.elementsEqual(last) {
                any[index] = true
            }
        }
    }

    private func matchNames(_ glob: Glob, _ dictionary: DecodedPaths, _ any: inout [Bool]) {
        for index in any.indices where !any[index] {
            if glob.matchesWhole(dictionary.name(of: PathIndex(index))) { any[index] = true }
        }
    }

    private func matchTree(_ glob: Glob, _ dictionary: DecodedPaths, _ any: inout [Bool]) {
        let start = glob.startWord
        let states = DirectoryWalk(dictionary.directories).fold(root: start) { parent, name in
            let below = parent == 0 ? 0 : glob.advanceOverSlash(word: parent)
            return below == 0 ? 0 : glob.advance(word: below, over: name())
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
        let states = DirectoryWalk(dictionary.directories).fold(root: glob.start) {
            $0.isDead ? $0 : glob.state(below: $0, name: $1())
        }
        for index in any.indices where !any[index] {
            let directory = dictionary.directory(of: PathIndex(index))
            guard directory != .absent else {
                if glob.matchesWhole(dictionary.name(of: PathIndex(index))) { any[index] = true }
                continue
            }
            guard let before = states[Int(directory)], !before.isDead else { continue }
            if glob.accepts(glob.state(below: before, name: dictionary.name(of: PathIndex(index)))) {
                any[index] = true
            }
        }
    }
}

extension DirectoryWalk {
    /// For each directory how many of `components` its path consists of: fewer than all, or all and whatever follows
    /// below; -1 for one that leads elsewhere.
    func depths(along components: some Collection<ArraySlice<UInt8>>) -> [Int] {
        let components = Array(components)
        let values = fold(root: 0) { depth, name in
            guard depth >= 0, depth < components.count else { return depth }
            return name().elementsEqual(components[depth]) ? depth + 1 : -1
        }
        return values.map { $0 ?? -1 }
    }
}

/// Computes a value for each directory from its parent's.
struct DirectoryWalk {
    private let directories: DirectoryNames

    init(_ directories: DirectoryNames) {
        self.directories = directories
    }

    /// The values by directory; nil for one whose ancestors do not end at the root.
    ///
    /// `step` is given the parent's value and a way to the directory's name, which is not fetched for nothing.
    func fold<Value>(root: Value, _ step: (Value, () -> ArraySlice<UInt8>) -> Value) -> [Value?] {
        var values = [Value?](repeating: nil, count: directories.count)
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
                let parent = directories.parent(of: directory)
                guard parent != .absent, Int(parent) < values.count else { break }
                directory = parent
            }
            guard let known = values[Int(directory)] else {
                for orphan in chain { isOrphan[Int(orphan)] = true }
                continue
            }
            var value = known
            for directory in chain.reversed() {
                value = step(value) { directories.name(of: directory) }
                values[Int(directory)] = value
            }
        }
        return values
    }
}
