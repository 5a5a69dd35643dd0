/// The limits of the format; a reader refuses what exceeds them, so that damage costs no memory.
package enum SegmentLimits {
    /// Page bytes in a block.
    package static let blockByteCount = 1 << 20
    package static let commitCount = 65_536
    /// The table's content.
    package static let tableByteCount = 64 << 20
    package static let textByteCount = 65_536
    package static let processCount = 65_536
    package static let level: UInt32 = 15

    /// Pages that a block may hold.
    package static func pageCount(pageSize: Int) -> Int {
        max(1, blockByteCount / pageSize)
    }

    package static func isPageSize(_ size: UInt32) -> Bool {
        size >= 512 && size <= 65_536 && size.nonzeroBitCount == 1
    }

    /// The page that SQLite never writes: byte 2^30 lies in it. Source: fileformat2.html, "The Lock-Byte Page".
    package static func lockPage(pageSize: UInt32) -> UInt32 {
        0x4000_0000 / pageSize + 1
    }
}
