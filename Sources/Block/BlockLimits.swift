/// The limits of format version 1. Readers refuse what exceeds them before they allocate; writers never produce it.
package enum BlockLimits {
    /// Events of a block: a segment of 1 Mi and a batch beyond its mark.
    package static let eventCount = 1 << 20 + 1 << 16
    /// Events of a row group; a fresh block is one row group, whatever its batch held.
    package static let rowGroupEventCount = 1 << 17
    package static let rowGroupCount = 1 << 12
    /// Bytes of all names of a block's directories, and of those of its paths.
    package static let nameByteCount = 64 << 20
    /// Bytes of all strings of a block's process table.
    package static let processStringByteCount = 64 << 20
    package static let pathCount = 2 * eventCount
    package static let pathGroupCount = 1 << 12
    package static let directoryCount = 4 * eventCount
    package static let processCount = eventCount
    package static let factCount = 1 << 20
    package static let commitCount = eventCount
    package static let volumeCount = 1 << 16
    /// Bytes of one part after decompression.
    package static let partByteCount = 128 << 20
    /// Bytes of a whole block.
    package static let byteCount = 256 << 20
}
