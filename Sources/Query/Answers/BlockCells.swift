internal import Block

/// How many events each key of a block has in each bucket of time.
struct BlockCells: Sendable {
    struct Cell: Sendable {
        var bucket: Int64
        var key: Int
        var count: UInt64
    }

    let keys: BlockKeys
    /// A bucket that was left and met again has several of a key. Events come nearly in order of time, so a cell is made once
    /// for many of them.
    private(set) var cells: [Cell] = []
    /// Of the open bucket, by key.
    private var open: [UInt64]
    /// The keys that have events in the open bucket.
    private var openKeys: [Int] = []

    init(_ keys: BlockKeys) {
        self.keys = keys
        open = Array(repeating: 0, count: keys.count)
    }

    /// Counts the selected events of a row group. `buckets` has the bucket of each of its windows.
    mutating func add(_ view: RowGroupView, _ windows: ColumnRuns, buckets: [Int64]) throws(BlockError) {
        // Windows follow one another in a bucket, and windows are long: buckets are told apart by the stretch.
        var stretch = 0..<0
        var bucket: Int64?
        var stretches: [(bucket: Int64, places: Range<Int>)] = []
        windows.forEach(in: 0..<view.group.count) { window, run in
            let next = buckets[Int(window)]
            if next == bucket {
                stretch = stretch.lowerBound..<run.upperBound
            } else {
                if let bucket { stretches.append((bucket, stretch)) }
                (bucket, stretch) = (next, run)
            }
        }
        if let bucket { stretches.append((bucket, stretch)) }
        for (bucket, places) in stretches { try add(view, places, bucket) }
    }

    /// Counts the selected events of a row group that lies in one bucket.
    mutating func add(_ view: RowGroupView, bucket: Int64) throws(BlockError) {
        try add(view, 0..<view.group.count, bucket)
    }

    private mutating func add(_ view: RowGroupView, _ places: Range<Int>, _ bucket: Int64) throws(BlockError) {
        // Taken out of the structure: an event is a handful of instructions.
        var (open, openKeys) = (self.open, self.openKeys)
        (self.open, self.openKeys) = ([], [])
        defer { (self.open, self.openKeys) = (open, openKeys) }
        try keys.forEachRun(view, in: places) { key, count in
            if open[key] == 0, count > 0 { openKeys.append(key) }
            open[key] &+= UInt64(count)
        }
        for key in openKeys {
            cells.append(Cell(bucket: bucket, key: key, count: open[key]))
            open[key] = 0
        }
        openKeys.removeAll(keepingCapacity: true)
    }
}
