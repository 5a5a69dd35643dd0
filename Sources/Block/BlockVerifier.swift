import Model

/// Decodes a block row group by row group and derives every commit's hash anew.
///
/// Thread: one at a time; between two steps the caller may do other work.
package struct BlockVerifier {
    private let block: BlockReader
    private let commits: [CommitRecord]
    private let paths: [EventsHash]
    private let processes: [EventsHash]
    private var hasher = EventHasher()
    private var commit = 0
    private var rowGroup = 0
    /// Of a block that says which are its busiest paths.
    private var pathTally: PathTally?
    private var bounds = (earliest: Int64.max, latest: Int64.min)

    /// Decodes the dictionaries.
    package init(_ block: BlockReader) throws(BlockError) {
        self.block = block
        commits = try block.commits()
        paths = try block.names().hashes().paths
        processes = try block.processHashes()
        _ = try block.facts()
        if try !block.part(.busiestPaths).isEmpty { pathTally = PathTally() }
    }

    /// Checks one more row group; false when there is none left.
    ///
    /// Throws: `hashMismatch` naming the commit; whatever decoding throws.
    package mutating func step() throws(BlockError) -> Bool {
        guard rowGroup < block.header.rowGroups.count else { return false }
        let zone = block.header.rowGroups[rowGroup]
        let events = try RowGroupEvents(of: block, rowGroup)
        let volumes = try block.volumes()
        let pathChunks = try block.part(.pathChunks, rowGroup)
        guard pathChunks.isEmpty || pathChunks == events.encodedPathChunks else {
            throw BlockError(.malformed, "path chunks of row group \(rowGroup) do not match its events")
        }
        pathTally?.add(events, pathCount: block.header.pathCount)
        let rowGroupBounds = events.bounds
        guard
            rowGroupBounds.earliest == zone.earliest.microsecondsRoundedDown,
            rowGroupBounds.latest == zone.latest.microsecondsRoundedDown, events.maskUnion == zone.maskUnion.rawValue,
            events.flagsUnion == UInt32(zone.flagsUnion.rawValue)
        else {
            throw BlockError(.malformed, "zone map of row group \(rowGroup) does not match its events")
        }
        bounds = (min(bounds.earliest, rowGroupBounds.earliest), max(bounds.latest, rowGroupBounds.latest))
        var done = 0
        while done < events.count {
            let expected = commits[commit]
            let count = min(events.count - done, Int(expected.count) - hasher.count)
            hasher.append(
                events, firstSequence: zone.firstSequence, range: done..<done + count, paths: paths,
                processes: processes, volumes: volumes)
            done += count
            if hasher.count == Int(expected.count) {
                guard hasher.finish() == expected.hash else {
                    throw BlockError(
                        .hashMismatch,
                        "commit of events \(expected.firstSequence) to "
                            + "\(expected.firstSequence + UInt64(expected.count) - 1)")
                }
                commit += 1
            }
        }
        rowGroup += 1
        if rowGroup == block.header.rowGroups.count {
            if let pathTally {
                let directories = try block.names().pathDirectories
                for (key, list) in try block.busiestPathLists()
                where !pathTally.agrees(with: list, key, isNameOnly: { directories[$0] == .absent }) {
                    throw BlockError(.malformed, "busiest paths do not match the events")
                }
            }
            guard
                bounds.earliest == block.header.earliest.microsecondsRoundedDown,
                bounds.latest == block.header.latest.microsecondsRoundedDown
            else {
                throw BlockError(.malformed, "bounds of the block do not match its windows")
            }
        }
        return true
    }
}

extension BlockReader {
    /// Decodes everything and derives every commit's hash anew.
    ///
    /// Throws: `hashMismatch` naming the commit; whatever decoding throws.
    package func verify() throws(BlockError) {
        var verifier = try BlockVerifier(self)
        while try verifier.step() {}
    }
}

extension RowGroupEvents {
    /// Decodes all columns of a row group.
    init(of block: BlockReader, _ rowGroup: Int) throws(BlockError) {
        let windows = try block.decodeWindows(rowGroup)
        (table, self.windows) = (windows.table, windows.indices.expanded)
        processes = try block.column(.process, rowGroup: rowGroup)
        paths = try block.column(.path, rowGroup: rowGroup)
        targets = try block.column(.target, rowGroup: rowGroup)
        masks = try block.column(.mask, rowGroup: rowGroup)
        flags = try block.column(.flags, rowGroup: rowGroup)
        objects = try block.storedObjects(rowGroup, at: 0..<block.header.rowGroups[rowGroup].count)
        lastProcesses = try block.lastProcesses(rowGroup, flags: flags, processes: processes)
    }
}
