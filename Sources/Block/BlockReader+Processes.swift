package import Model

/// The processes of a block.
extension BlockReader {
    /// The processes the events name, and those the batch held beside.
    package func processes() throws(BlockError) -> [ActorProcess] { try decodedProcesses().processes }

    /// The same without command lines, which are most of what processes take to decode.
    package func processesBesideCommandLines() throws(BlockError) -> [ActorProcess] {
        if let cachedProcesses { return cachedProcesses.processes }
        if let cachedActors { return cachedActors }
        let table = try processTable()
        let processes = try decoding("processes") { () throws(PartError) in
            try table.decodeBesideCommandLines(
                count: header.processCount, origin: layout.origin, version: header.version)
        }
        cachedActors = processes
        return processes
    }

    /// The same with what they take in memory.
    func decodedProcesses() throws(BlockError) -> DecodedProcesses {
        if let cachedProcesses { return cachedProcesses }
        let table = try processTable()
        let processes = try decoding("processes") { () throws(PartError) in
            try table.decode(count: header.processCount, origin: layout.origin, version: header.version)
        }
        cachedProcesses = processes
        return processes
    }

    /// The canonical hash of each process; nothing else is kept.
    func processHashes() throws(BlockError) -> [EventsHash] {
        let table = try processTable()
        var scratch: [UInt8] = []
        var hashes: [EventsHash] = []
        hashes.reserveCapacity(header.processCount)
        try decoding("processes") { () throws(PartError) in
            try table.forEach(count: header.processCount, origin: layout.origin, version: header.version) {
                hashes.append($0.canonicalHash(scratch: &scratch))
            }
        }
        return hashes
    }

    private func processTable() throws(BlockError) -> ProcessTable {
        var table = ProcessTable()
        table.identities = try part(.processIdentities)
        table.times = try part(.processTimes)
        table.details = try part(.processDetails)
        table.references = try part(.processReferences)
        table.texts = try part(.processTexts)
        table.links = try part(.processLinks)
        table.controlGroups = try part(.processControlGroups)
        return table
    }
}
