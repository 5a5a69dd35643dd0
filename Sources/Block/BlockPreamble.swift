import Model

/// The part of the header before the row groups.
struct BlockPreamble {
    var origin: BlockOrigin
    /// Microseconds, as the two below.
    var base: Int64
    var runs: [RunIdentity]
    var firstSequence: UInt64
    var count: Int
    var earliest: Int64
    var latest: Int64
    var commitCount: Int
    var directoryCount: Int
    var pathCount: Int
    var processCount: Int
    var factCount: Int
    var volumeCount: Int

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(origin.store)
        bytes.append(origin.machineID)
        let hostName = origin.hostName.bytes.prefix(255)
        bytes.appendVarint(hostName.count)
        bytes.append(contentsOf: hostName)
        bytes.appendVarint(runs.count)
        for run in runs {
            bytes.appendVarint(UInt64(run.run))
            bytes.append(run.bootID)
        }
        bytes.appendVarint(firstSequence)
        bytes.appendVarint(count)
        bytes.appendZigzag(base)
        bytes.appendZigzag(earliest &- base)
        bytes.appendVarint(UInt64(bitPattern: latest &- earliest))
        for value in [commitCount, directoryCount, pathCount, processCount, factCount, volumeCount] {
            bytes.appendVarint(value)
        }
        return bytes
    }
}
