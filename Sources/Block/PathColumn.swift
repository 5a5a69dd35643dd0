/// The paths of a row group's events, with the new names of renames.
///
/// Each process tends to do again what it did after the same paths before. Shape: one symbol an event, and the bytes of
/// differences in two further streams.
///
/// | symbol | path |
/// |---|---|
/// | 0 | the new one: one above all that occurred before, targets included |
/// | 1 | `absent` |
/// | 2 | the process's last |
/// | 3 | what followed the process's last two when they last occurred in this order |
/// | 4 | what followed the process's last when it last occurred |
/// | 5, 6, 7 | zigzag difference to the reference, of one byte, two bytes, or a number |
/// | 8...23 | the process's path 1...16 changes before its last |
///
/// The reference is the process's last path; before its first that of the event before; before the first 0.
/// Targets are a list of exceptions: distance from the last event that had one, then 0 for the new path, else 1 + the
/// zigzag difference to the event's path (0 where absent).
struct PathColumn {
    var symbols: [UInt8] = []
    /// The low byte of each difference of symbols 5, 6, 7.
    var lowBytes: [UInt8] = []
    /// The high byte of symbol 6; the difference >> 8 as a number of symbol 7.
    var highBytes: [UInt8] = []
    var targets: [UInt8] = []

    enum Symbol {
        static let new: UInt8 = 0
        static let absent: UInt8 = 1
        static let same: UInt8 = 2
        static let afterTwo: UInt8 = 3
        static let afterOne: UInt8 = 4
        static let byte: UInt8 = 5
        static let twoBytes: UInt8 = 6
        static let number: UInt8 = 7
        static let firstRecent: UInt8 = 8
    }

    static let recentCount = 16
}

extension PathColumn {
    /// Encodes a row group; `firstNew` is one above the greatest path of the row groups before.
    init(
        paths: [UInt32], targets: [UInt32], processes: [UInt32], firstNew: UInt32, pathCount: Int, processCount: Int,
        storage: inout [UInt32]
    ) {
        var predictor = PathPredictor(
            &storage, eventCount: paths.count, runCount: Self.runCount(processes), pathCount: pathCount,
            processCount: processCount, next: firstNew)
        symbols.reserveCapacity(paths.count + 5)
        symbols.appendVarint(UInt64(firstNew))
        var lastTargetIndex = 0
        let paths = paths.span
        let targets = targets.span
        let processes = processes.span
        var course: PathPredictor.Course?
        for index in paths.indices {
            if index == 0 || processes[index] != processes[index &- 1] {
                if let course { predictor.end(course) }
                course = predictor.course(of: processes[index])
            }
            let path = paths[index]
            if path != .absent, var now = course {
                symbols.append(symbol(of: path, now, predictor))
                predictor.advance(&now, to: path)
                course = now
            } else {
                symbols.append(Symbol.absent)
            }
            let target = targets[index]
            guard target != .absent else { continue }
            self.targets.appendVarint(index - lastTargetIndex)
            lastTargetIndex = index
            if target == predictor.next {
                self.targets.append(0)
            } else {
                let base: UInt32 = path == .absent ? 0 : path
                self.targets.appendVarint(1 + Zigzag.encode(Int64(target) - Int64(base)))
            }
            predictor.next = max(predictor.next, target + 1)
        }
    }

    /// The symbol of a path; what it does not say itself is appended to the other streams.
    @inline(__always)
    private mutating func symbol(
        of path: UInt32, _ course: PathPredictor.Course, _ predictor: borrowing PathPredictor
    ) -> UInt8 {
        if path == course.last { return Symbol.same }
        if path == predictor.afterTwo(course) { return Symbol.afterTwo }
        if path == predictor.afterOne(course) { return Symbol.afterOne }
        if path == predictor.next { return Symbol.new }
        for distance in 0..<Self.recentCount where predictor.recent(course, distance: distance) == path {
            return Symbol.firstRecent &+ UInt8(truncatingIfNeeded: distance)
        }
        let difference = Zigzag.encode(Int64(path) - Int64(predictor.reference(course)))
        lowBytes.append(UInt8(truncatingIfNeeded: difference))
        if difference < 0x100 { return Symbol.byte }
        if difference < 0x1_0000 {
            highBytes.append(UInt8(truncatingIfNeeded: difference >> 8))
            return Symbol.twoBytes
        }
        highBytes.appendVarint(difference >> 8)
        return Symbol.number
    }

    /// How many runs of equal values there are.
    private static func runCount(_ values: [UInt32]) -> Int {
        let values = values.span
        guard values.count > 0 else { return 0 }
        var changeCount = 0
        for index in 1..<values.count where values[index] != values[index &- 1] { changeCount &+= 1 }
        return changeCount + 1
    }
}
