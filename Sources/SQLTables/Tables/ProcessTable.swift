internal import Block
internal import Model
internal import Query
internal import Store

/// The table `process`: one row a process instance, with what is known of it last. Columns: docs/sql.md.
enum ProcessTable {
    static let kind = TableKind(
        name: "process",
        columns: ProcessColumn.allCases.map { column in
            switch column {
            case .instance, .pid: SQLColumn(column.rawValue, .integer, .number)
            case .start: SQLColumn(column.rawValue, .moment)
            default: SQLColumn(column.rawValue, column.isText ? .text : .integer)
            }
        } + [
            SQLColumn("first_seen", .moment), SQLColumn("ended", .moment), SQLColumn("exit_code", .integer),
            SQLColumn("signal", .integer), SQLColumn("gone_by", .moment), TableKind.storeColumn,
        ], orderColumn: nil, rowGuess: 10_000, makeCursor: { ProcessCursor($0) })
}

/// A block's processes at a time, the last block first, so that what is known last of a process is met first.
///
/// Memory: a bit for each instance met, and the ends of processes whose entries lie in earlier blocks.
private final class ProcessCursor: BatchCursor {
    private struct End {
        var ended: Instant?
        var status: UInt32?
        var goneBy: Instant?
    }

    private var walk: BlockWalk?
    private var met: [UInt64: UInt64] = [:]
    private var ends: [UInt64: End] = [:]
    private var pids: Set<Int32>?
    private var instances: Set<UInt64>?
    private var store = RawPath([])
    private var time = TimestampWriter()
    /// So many words of 64 instances are kept.
    private static let maximumWordCount = 1 << 22

    override func prepare(_ request: FilterRequest) throws {
        walk = nil
        met = [:]
        ends = [:]
        pids = nil
        instances = nil
        store = request.store
        for condition in request.conditions {
            let numbers = EventConditions.numbers(condition)
            switch ProcessColumn(rawValue: ProcessTable.kind.columns[condition.column].name) {
            case .pid: pids = Set(numbers.compactMap { Int32(exactly: $0) })
            case .instance: instances = Set(numbers.compactMap { UInt64(exactly: $0) })
            default: break
            }
        }
        guard pids?.isEmpty != true, instances?.isEmpty != true else { return }
        try session.trace?.note(asked: Selection())
        let reader = try reader(request.store)
        if let trace = session.trace, let tracePlace {
            let count = try reader.blocks().count
            trace.add(tracePlace) { $0.blockCount += count }
        }
        walk = BlockWalk(
            reader, from: nil, to: nil, isReversed: true,
            beforeSequence: try session.endSequence(of: request.store, reader))
    }

    override func nextRows() throws -> [[SQLValue]]? {
        guard let walk, let row = try walk.next() else {
            if walk?.lostToPruning == true { try session.reportPruned() }
            return nil
        }
        session.trace?.progress?.update { walk.share }
        guard mayName(row) else {
            walk.finish(first: row.firstSequence, end: row.endSequence)
            return []
        }
        guard let bytes = try walk.fetch(row) else { return [] }
        if let tracePlace { session.trace?.add(tracePlace) { $0.fetchedBlockCount += 1 } }
        do throws(BlockError) {
            let block = try BlockReader(bytes)
            let rows = try self.rows(block)
            walk.finish(first: block.header.firstSequence, end: block.header.endSequence)
            guard met.count <= Self.maximumWordCount else { throw BlockError(.malformed, "too many processes") }
            return rows
        } catch {
            walk.finish(first: row.firstSequence, end: row.endSequence)
            try session.report(Scan.Damage(firstSequence: row.firstSequence, count: row.count, error: error))
            return []
        }
    }

    /// A block without facts that names none of the instances need not be read.
    private func mayName(_ row: BlockRow) -> Bool {
        guard let instances, row.factCount == 0 else { return true }
        guard let named = row.instances else { return false }
        return instances.contains { named.contains($0) }
    }

    private func rows(_ block: BlockReader) throws(BlockError) -> [[SQLValue]] {
        let processes = try block.processes()
        if block.header.factCount > 0 {
            for fact in try block.facts() where instances?.contains(fact.instance) ?? true { take(fact) }
        }
        var last: [UInt64: ActorProcess] = [:]
        var order: [UInt64] = []
        for process in processes where instances?.contains(process.instance) ?? true {
            let known = last[process.instance]
            if known == nil { order.append(process.instance) }
            // The program that it ran says more than the one it was forked with, which is listed behind it.
            if known == nil || process.exeSource != .inherited { last[process.instance] = process }
        }
        var rows: [[SQLValue]] = []
        for instance in order.reversed() {
            guard let process = last[instance], meet(instance) else { continue }
            let end = ends.removeValue(forKey: instance)
            if let pids, !pids.contains(process.pid) { continue }
            rows.append(row(process, end))
        }
        return rows
    }

    /// True for the first time.
    private func meet(_ instance: UInt64) -> Bool {
        let bit: UInt64 = 1 << (instance & 63)
        let word = met[instance >> 6] ?? 0
        met[instance >> 6] = word | bit
        return word & bit == 0
    }

    private func take(_ fact: ProcessFact) {
        guard (met[fact.instance >> 6] ?? 0) & (1 << (fact.instance & 63)) == 0 else { return }
        var end = ends[fact.instance] ?? End()
        switch fact.kind {
        case .exited:
            end.ended = fact.moment
            end.status = fact.status
        case .exitSeen: end.goneBy = fact.moment
        }
        ends[fact.instance] = end
    }

    private func row(_ process: ActorProcess, _ end: End?) -> [SQLValue] {
        var row = ProcessColumn.allCases.map { $0.value(of: process, &time) }
        let status = end?.status.map { ProcessEnd(status: $0) }
        row += [
            .moment(process.firstSeen, &time), .moment(end?.ended, &time),
            .optional(status.flatMap { $0.signal == nil ? $0.code : nil }), .optional(status?.signal),
            .moment(end?.goneBy, &time), .path(store),
        ]
        return row
    }
}
