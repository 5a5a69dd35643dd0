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
    mutating func add(_ view: RowGroupView, _ windows: DecodedWindows, buckets: [Int64]) throws(BlockError) {
        // Taken out of the structure: an event is a handful of instructions.
        var (open, openKeys) = (self.open, self.openKeys)
        (self.open, self.openKeys) = ([], [])
        var openBucket: Int64?
        func closeBucket() {
            guard let bucket = openBucket else { return }
            for key in openKeys {
                cells.append(Cell(bucket: bucket, key: key, count: open[key]))
                open[key] = 0
            }
            openKeys.removeAll(keepingCapacity: true)
        }
        defer {
            closeBucket()
            (self.open, self.openKeys) = (open, openKeys)
        }
        try keys.forEach(view) { key, position in
            let bucket = buckets[Int(windows.index[position])]
            if bucket != openBucket {
                closeBucket()
                openBucket = bucket
            }
            if open[key] == 0 { openKeys.append(key) }
            open[key] &+= 1
        }
    }
}
