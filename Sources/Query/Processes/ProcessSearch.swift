internal import Block
internal import Model
internal import Store

/// Finds the processes that had a number, from the dictionaries and facts of all blocks; no event is decoded.
///
/// The recorder names a process's ancestors in each block that names the process, so one pass is enough. Memory: the
/// processes that are asked for with their families, and one block.
struct ProcessSearch {
    private let pid: Int32
    private(set) var records: [ProcessRecord] = []
    private(set) var damages: [Scan.Damage] = []
    private var places: [UInt64: Int] = [:]
    private var children: [UInt64: (parent: Int, place: Int)] = [:]
    /// So many children are listed.
    private static let maximumChildCount = 1_000

    /// Whether blocks were pruned before they could be read.
    private(set) var lostToPruning = false

    init(_ question: Question, pid: Int32) throws(StoreError) {
        self.pid = pid
        let walk = BlockWalk(question.reader, from: nil, to: nil, beforeSequence: question.endSequence)
        let progress = ProgressLine()
        defer { lostToPruning = walk.lostToPruning }
        while let row = try walk.next() {
            progress?.update { walk.share }
            guard let bytes = try walk.fetch(row) else { continue }
            do throws(BlockError) {
                let block = try BlockReader(bytes)
                try take(block)
                walk.finish(first: block.header.firstSequence, end: block.header.endSequence)
            } catch {
                damages.append(Scan.Damage(firstSequence: row.firstSequence, count: row.count, error: error))
                walk.finish(first: row.firstSequence, end: row.endSequence)
            }
        }
    }

    private mutating func take(_ block: BlockReader) throws(BlockError) {
        let processes = try block.processes()
        let mine = processes.indices.filter { processes[$0].pid == pid }
        if !mine.isEmpty {
            let byInstance = Dictionary(
                processes.map { ($0.instance, $0) }, uniquingKeysWith: { $1.exeSource == .inherited ? $0 : $1 })
            for index in mine {
                let process = processes[index]
                let place = self.place(of: process.instance)
                _ = records[place].add(process)
                let line = Self.ancestors(of: process, in: byInstance)
                if line.count >= records[place].ancestors.count { records[place].ancestors = line }
            }
            for process in processes {
                guard let parent = process.parentInstance, let place = places[parent] else { continue }
                take(child: process, of: place)
            }
        }
        guard block.header.factCount > 0, !places.isEmpty else { return }
        for fact in try block.facts() {
            guard let place = places[fact.instance] else { continue }
            switch fact.kind {
            case .exited:
                records[place].ended = fact.moment
                records[place].status = fact.status
            case .exitSeen:
                records[place].goneBy = fact.moment
            }
        }
    }

    private mutating func place(of instance: UInt64) -> Int {
        if let place = places[instance] { return place }
        places[instance] = records.count
        records.append(ProcessRecord(instance: instance))
        return records.count - 1
    }

    private mutating func take(child: ActorProcess, of place: Int) {
        if let known = children[child.instance] {
            // The program that it was started for says more than the one it was forked from.
            if child.exeSource == .inherited { return }
            records[known.parent].children[known.place] = child
        } else if records[place].children.count < Self.maximumChildCount {
            children[child.instance] = (place, records[place].children.count)
            records[place].children.append(child)
        }
    }

    private static func ancestors(of process: ActorProcess, in known: [UInt64: ActorProcess]) -> [ActorProcess] {
        var line: [ActorProcess] = []
        var next = process.parentInstance
        var seen: Set<UInt64> = [process.instance]
        while let instance = next, let ancestor = known[instance], seen.insert(instance).inserted {
            line.append(ancestor)
            next = ancestor.parentInstance
        }
        return line.reversed()
    }
}
