package import Block

/// A block in a store, of which stretches are read as they are needed.
///
/// To come to a stretch SQLite follows the chain of the block's pages, and reads each page of it that does not lie behind
/// the one before; so what will be needed is read together, when the block is opened. Each reading is a short read
/// transaction of its own, so that an answer that waits for its reader holds up no checkpoint. The block may be merged or
/// pruned between two readings. That is found by its first bytes, which are compared each time: they are the header, which
/// counts the events and has the checksums of the parts.
/// Thread: that of its reader.
package final class StoredBlock: BlockSource {
    private static let stampByteCount = 4 << 10

    package let byteCount: Int
    private let reader: StoreReader
    private let firstSequence: UInt64
    private let stamp: [UInt8]
    /// What was read when the block was opened, until it is asked for.
    private var stretches: [(range: Range<Int>, bytes: [UInt8])]
    /// Why the last reading failed, where the store was the cause.
    package private(set) var failure: StoreError?

    /// `plan` is given the start of the block and its byte count, and says what else to read.
    init?(
        _ reader: StoreReader, firstSequence: UInt64, _ plan: ([UInt8], Int) -> [Range<Int>]
    ) throws(StoreError) {
        let start = 0..<BlockReader.startByteCount
        var planned: [Range<Int>] = []
        guard
            let read = try reader.blockStretches(
                firstSequence: firstSequence, start: start,
                { bytes, byteCount in
                    planned = plan(bytes, byteCount)
                    return planned
                }), let first = read.stretches.first
        else { return nil }
        self.reader = reader
        self.firstSequence = firstSequence
        byteCount = read.byteCount
        stamp = Array(first.prefix(Self.stampByteCount))
        stretches = Array(zip([0..<first.count] + planned, read.stretches))
    }

    package func bytes(_ range: Range<Int>) throws(BlockError) -> [UInt8] {
        if let index = stretches.firstIndex(where: { $0.range == range }) { return stretches.remove(at: index).bytes }
        let read: (byteCount: Int, stretches: [[UInt8]])?
        do throws(StoreError) {
            read = try reader.blockStretches(firstSequence: firstSequence, start: 0..<stamp.count) { _, _ in [range] }
        } catch {
            failure = error
            throw BlockError(.gone, error.description)
        }
        guard let read, read.byteCount == byteCount, read.stretches[0] == stamp else {
            throw BlockError(.gone, "it was merged or pruned meanwhile")
        }
        return read.stretches[1]
    }
}
