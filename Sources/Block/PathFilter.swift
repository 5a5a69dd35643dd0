/// The secret of a store that keys its filters, so that nobody can choose paths that fill them.
package struct FilterKey: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// A Bloom filter over a block's paths and all their ancestor directories.
package enum PathFilter {
    /// False only when the block surely knows neither such a path nor anything below it.
    ///
    /// `path` is absolute and has no empty, "." or ".." components ("/a/b", no slash at the end but for the root), or a
    /// bare name for paths whose directory was never known. An empty filter may know anything.
    package static func mayContain(_ path: [UInt8], in filter: [UInt8], key: FilterKey) -> Bool {
        true
    }
}
