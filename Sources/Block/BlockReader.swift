package import Model

/// One 32-bit column of the events.
package enum Column: UInt8, CaseIterable, Sendable {
    /// `EventMask.rawValue`.
    case mask
    /// `EventFlags.rawValue`.
    case flags
    /// Index into `processes()`, or `absent`.
    case process
    /// Index into `pathDictionary()`, or `absent`.
    case path
    /// Index into `pathDictionary()`, or `absent`: the new name of a rename.
    case target
    /// Index into `DecodedWindows.table`.
    case window
}

/// The windows of a row group: a table and, for each event, an index into it.
package struct DecodedWindows: Sendable {
    package var table: [TimeWindow]
    package var index: [UInt32]

    /// The window of the event at `position` of the row group.
    package subscript(position: Int) -> TimeWindow { table[Int(index[position])] }
}

/// Reads one block, decoding only what is asked for.
///
/// Dictionaries are decoded once and kept; columns are decoded at each call, so the caller keeps what it needs.
/// Thread: one at a time. No bytes make it trap; what is wrong is thrown.
package final class BlockReader {
    package let header: BlockHeader
    private let bytes: [UInt8]

    /// Reads and checks the header; no part is decoded.
    package init(_ bytes: [UInt8]) throws(BlockError) {
        self.bytes = bytes
        throw BlockError(.notABlock, "not written")
    }

    /// The commits of the block in order; their counts sum to the block's.
    package func commits() throws(BlockError) -> [CommitRecord] { throw BlockError(.notABlock, "not written") }

    /// The block's directories and paths.
    package func pathDictionary() throws(BlockError) -> DecodedPaths { throw BlockError(.notABlock, "not written") }

    /// The processes the events name.
    package func processes() throws(BlockError) -> [ActorProcess] { throw BlockError(.notABlock, "not written") }

    /// What was learned about processes while the block was gathered.
    package func facts() throws(BlockError) -> [ProcessFact] { throw BlockError(.notABlock, "not written") }

    /// One column of a row group, one value an event.
    package func column(_ column: Column, rowGroup: Int) throws(BlockError) -> [UInt32] {
        throw BlockError(.notABlock, "not written")
    }

    /// The windows of a row group.
    package func windows(of rowGroup: Int) throws(BlockError) -> DecodedWindows {
        throw BlockError(.notABlock, "not written")
    }

    /// The objects of a row group's events.
    package func objects(rowGroup: Int) throws(BlockError) -> [FileIdentity?] {
        throw BlockError(.notABlock, "not written")
    }

    /// Decodes everything and derives every commit's hash anew.
    ///
    /// Throws: `hashMismatch` naming the commit; whatever decoding throws.
    package func verify() throws(BlockError) { throw BlockError(.notABlock, "not written") }

    /// What every part takes.
    package var statistics: BlockStatistics { BlockStatistics(parts: []) }
}
