import TestSupport
import Testing

@testable import Block

/// The paths of a row group's events, decoded by runs of processes, against what they were encoded from event by event.
@Suite struct PathColumnTests {
    private struct Events {
        var processes: [UInt32] = []
        var paths: [UInt32] = []
        var targets: [UInt32] = []
        let pathCount: Int
        let processCount: Int
        let firstNew: UInt32

        init(_ random: inout SeededGenerator) {
            pathCount = 1 + random.below([3, 40, 400, 90_000][random.below(4)])
            processCount = 1 + random.below(12)
            firstNew = UInt32(random.below(pathCount))
            var next = firstNew
            let habit = (0..<6).map { _ in UInt32(random.below(pathCount)) }
            for _ in 0..<random.below(300) {
                let process = random.chance(1, of: 10) ? .absent : UInt32(random.below(processCount))
                for _ in 0..<(random.chance(1, of: 2) ? 1 : 1 + random.below(8)) {
                    let path: UInt32
                    switch random.below(6) {
                    case 0: path = .absent
                    case 1: path = paths.last ?? .absent
                    case 2: path = UInt32(random.below(pathCount))
                    case 3 where next < pathCount: path = next
                    default: path = habit[random.below(habit.count)]
                    }
                    let target = random.chance(1, of: 12) ? UInt32(random.below(pathCount)) : .absent
                    for known in [path, target] where known != .absent { next = max(next, known + 1) }
                    processes.append(process)
                    paths.append(path)
                    targets.append(target)
                }
            }
        }

        func column(_ storage: inout [UInt32]) -> PathColumn {
            PathColumn(
                paths: paths, targets: targets, processes: processes, firstNew: firstNew, pathCount: pathCount,
                processCount: processCount, storage: &storage)
        }

        func runs() throws -> ColumnRuns {
            var (symbols, lengths): ([UInt8], [UInt8]) = ([], [])
            RunColumn.encode(processes, firstNew: 0, symbols: &symbols, lengths: &lengths)
            return try RunColumn.decodeRuns(symbols, lengths, count: processes.count, limit: processCount)
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>) func pathsComeBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let events = Events(&random)
        var storage: [UInt32] = []
        let column = events.column(&storage)
        let decoded = try column.decode(
            processes: events.runs(), pathCount: events.pathCount, processCount: events.processCount, storage: &storage)
        #expect(decoded.paths == events.paths, "seed \(seed)")
        let hasTargets = events.targets.contains { $0 != .absent }
        #expect(decoded.targets == (hasTargets ? events.targets : []), "seed \(seed)")
    }

    /// Whatever the bytes are, they are paths of the dictionary or an error.
    @Test(arguments: 0..<400 as Range<UInt64>) func damagedPathsNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let events = Events(&random)
        var storage: [UInt32] = []
        var column = events.column(&storage)
        for _ in 0..<1 + random.below(6) {
            let part = [\PathColumn.symbols, \.lowBytes, \.highBytes, \.targets][random.below(4)]
            guard !column[keyPath: part].isEmpty else { continue }
            let place = random.below(column[keyPath: part].count)
            column[keyPath: part][place] = UInt8(random.below(random.chance(1, of: 2) ? 26 : 256))
        }
        guard
            let decoded = try? column.decode(
                processes: events.runs(), pathCount: events.pathCount, processCount: events.processCount,
                storage: &storage)
        else { return }
        #expect(decoded.paths.count == events.paths.count, "seed \(seed)")
        for path in decoded.paths + decoded.targets where path != .absent {
            #expect(Int(path) < events.pathCount, "seed \(seed)")
        }
    }
}
