internal import Block
internal import Model

/// What the events of one block are counted by, before it is known which groups over all blocks that makes.
///
/// Keys: 0 for what is not known; else one more than the bit of an operation, or than an index into a dictionary of the
/// block. Of `.container` they are those of processes, then those of paths: of an event whose process is in no container
/// that is known, the layer that its path lies in tells.
struct BlockKeys: Sendable {
    static let unknown = 0

    let grouping: Grouping?
    /// Of `.path`, `.dir` and `.database`, and of `.container` where it may be told by the path.
    let paths: DecodedPaths?
    /// Of groupings by process; without command lines.
    let actors: [ActorProcess]
    /// All keys are below.
    let count: Int

    /// Nil counts all events as one. Parameter looksAtLayers: whether a path may tell the container.
    init(_ grouping: Grouping?, _ block: BlockView, looksAtLayers: Bool) throws(BlockError) {
        self.grouping = grouping
        let needsPaths =
            grouping == .path || grouping == .dir || grouping == .database || grouping == .container && looksAtLayers
        paths = needsPaths ? try block.reader.pathDictionary() : nil
        switch grouping {
        case nil:
            actors = []
            count = 1
        case .op:
            actors = []
            count = 1 + UInt32.bitWidth
        case .path, .database:
            actors = []
            count = 1 + (paths?.count ?? 0)
        case .dir:
            actors = []
            count = 1 + (paths?.directoryCount ?? 0)
        case .exe, .process, .user, .unit, .container:
            actors = try block.reader.processesBesideCommandLines()
            count = 1 + actors.count + (paths?.count ?? 0)
        }
    }

    /// Calls `body` with the key of each selected event among the places in `bounds`, and its place in the row group. A merged
    /// record stands for several operations and is counted once for each.
    @inline(__always)
    func forEach(
        _ view: RowGroupView, in bounds: Range<Int>, _ body: (_ key: Int, _ position: Int) -> Void
    ) throws(BlockError) {
        let places = view.places
        switch grouping {
        case nil:
            places.forEach(in: bounds) { body(Self.unknown, $0) }
        case .op:
            let masks = try view.column(.mask)
            places.forEach(in: bounds) { position in
                var bits = masks[position] & EventMask.operations.rawValue
                while bits != 0 {
                    body(1 + bits.trailingZeroBitCount, position)
                    bits &= bits &- 1
                }
            }
        case .path, .database:
            let column = try view.column(.path)
            places.forEach(in: bounds) { body(key(ofPath: column[$0]), $0) }
        case .dir:
            let column = try view.column(.path)
            places.forEach(in: bounds) { body(key(ofDirectoryOf: column[$0]), $0) }
        case .exe, .process, .user, .unit:
            let column = try view.column(.process)
            places.forEach(in: bounds) { body(key(ofProcess: column[$0]), $0) }
        case .container:
            let (processes, paths) = (try view.column(.process), try view.column(.path))
            places.forEach(in: bounds) { position in
                let process = Int(processes[position])
                let isContained = process < actors.count && actors[process].container != nil
                let path = isContained ? Self.unknown : key(ofPath: paths[position])
                body(isContained ? 1 + process : path == Self.unknown ? path : actors.count + path, position)
            }
        }
    }

    /// The same with how many events in a row have the key; those of one key may come in several.
    @inline(__always)
    func forEachRun(
        _ view: RowGroupView, in bounds: Range<Int>, _ body: (_ key: Int, _ count: Int) -> Void
    ) throws(BlockError) {
        guard case .range(let range) = view.places else {
            return try forEach(view, in: bounds) { key, _ in body(key, 1) }
        }
        let bounds = range.clamped(to: bounds)
        switch grouping {
        case nil:
            body(Self.unknown, bounds.count)
        case .exe, .process, .user, .unit:
            try view.block.reader.processRuns(of: view.index).forEach(in: bounds) { body(key(ofProcess: $0), $1.count) }
        case .op, .path, .dir, .database, .container:
            try forEach(view, in: bounds) { key, _ in body(key, 1) }
        }
    }

    @inline(__always)
    private func key(ofPath index: PathIndex) -> Int {
        guard let paths, index != .absent, Int(index) < paths.count else { return Self.unknown }
        return 1 + Int(index)
    }

    @inline(__always)
    private func key(ofDirectoryOf index: PathIndex) -> Int {
        guard let paths, index != .absent, Int(index) < paths.count else { return Self.unknown }
        let directory = paths.directory(of: index)
        return directory != .absent && Int(directory) < paths.directoryCount ? 1 + Int(directory) : Self.unknown
    }

    @inline(__always)
    private func key(ofProcess index: ProcessIndex) -> Int {
        Int(index) < actors.count ? 1 + Int(index) : Self.unknown
    }
}
