extension PathColumn {
    /// The paths and targets of the events that have these processes, each below `pathCount` or `absent`; of targets none where
    /// no event has one. `storage` is overwritten.
    ///
    /// What is known of a process is looked up once for each of its runs.
    func decode(
        processes: ColumnRuns, pathCount: Int, processCount: Int, storage: inout [UInt32]
    ) throws(PartError) -> (paths: [UInt32], targets: [UInt32]) {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var symbols = unsafe ByteCursor(self.symbols.span.bytes)
        let eventCount = Int(processes.ends.last ?? 0)
        let firstNew = try symbols.count(atMost: pathCount)
        guard symbols.remainingByteCount == eventCount else { throw .truncated }
        let codes = self.symbols.span.extracting(droppingFirst: symbols.offset)
        var predictor = PathPredictor(
            &storage, eventCount: eventCount, runCount: processes.values.count, pathCount: pathCount,
            processCount: processCount, next: UInt32(firstNew))
        // SAFETY: as above.
        var differences = unsafe Differences(
            low: ByteCursor(lowBytes.span.bytes), high: ByteCursor(highBytes.span.bytes), pathCount: pathCount)
        var targetCodes = unsafe ByteCursor(self.targets.span.bytes)
        var paths = [UInt32](unwrittenCount: eventCount)
        var decoded = paths.mutableSpan
        var targets: [UInt32] = []
        if !self.targets.isEmpty { targets = Array(repeating: .absent, count: eventCount) }
        var nextTargetIndex = self.targets.isEmpty ? Int.max : try targetCodes.count(atMost: eventCount)
        let (runValues, runEnds) = (processes.values.span, processes.ends.span)
        var index = 0
        for run in runEnds.indices {
            let end = Int(runEnds[run])
            precondition(end <= eventCount, "runs rise to the count of events")
            var course = predictor.course(of: runValues[run])
            while index < end {
                // SAFETY: symbols and paths are `eventCount` each, which was checked or is how they were made.
                let symbol = unsafe codes[unchecked: index]
                var path = UInt32.absent
                if symbol == Symbol.same {
                    path = course.last
                    guard Int(path) < pathCount else { throw .malformed("path beyond the dictionary") }
                    predictor.stay(at: path)
                } else if symbol != Symbol.absent {
                    path = try Self.path(of: symbol, course, predictor, &differences)
                    guard Int(path) < pathCount else { throw .malformed("path beyond the dictionary") }
                    predictor.advance(&course, to: path)
                }
                // SAFETY: as above.
                unsafe decoded[unchecked: index] = path
                if index == nextTargetIndex {
                    let target = try Self.target(&targetCodes, of: path, next: predictor.next, pathCount: pathCount)
                    targets[index] = target
                    predictor.next = max(predictor.next, target + 1)
                    nextTargetIndex = try Self.nextTargetIndex(behind: index, &targetCodes, eventCount: eventCount)
                }
                index &+= 1
            }
            predictor.end(course)
        }
        guard nextTargetIndex == .max else { throw .malformed("target after the last event") }
        try differences.expectEnd()
        return (paths, targets)
    }

    /// What a symbol other than `same` and `absent` stands for; what is no path of the block comes out as it is.
    @inline(__always)
    private static func path(
        of symbol: UInt8, _ course: PathPredictor.Course, _ predictor: borrowing PathPredictor,
        _ differences: inout Differences
    ) throws(PartError) -> UInt32 {
        switch symbol {
        case Symbol.new: predictor.next
        case Symbol.afterTwo: predictor.afterTwo(course)
        case Symbol.afterOne: predictor.afterOne(course)
        case Symbol.byte, Symbol.twoBytes, Symbol.number:
            try differences.path(symbol, from: predictor.reference(course))
        case Symbol.firstRecent..<Symbol.firstRecent + UInt8(recentCount):
            predictor.recent(course, distance: Int(symbol &- Symbol.firstRecent))
        default: .absent
        }
    }

    @inline(never)
    private static func target(
        _ codes: inout ByteCursor, of path: UInt32, next: UInt32, pathCount: Int
    ) throws(PartError) -> UInt32 {
        let code = try codes.varint()
        let base: UInt32 = path == .absent ? 0 : path
        let target = code == 0 ? Int64(next) : Int64(base) &+ Zigzag.decode(code &- 1)
        guard target >= 0 && target < Int64(pathCount) else { throw .malformed("target beyond the dictionary") }
        return UInt32(target)
    }

    @inline(never)
    private static func nextTargetIndex(
        behind index: Int, _ codes: inout ByteCursor, eventCount: Int
    ) throws(PartError) -> Int {
        guard codes.remainingByteCount > 0 else { return .max }
        let distance = try codes.count(atMost: eventCount)
        guard distance > 0 else { throw .malformed("two targets of one event") }
        return index &+ distance
    }

    /// The streams of what symbols do not say themselves.
    private struct Differences: ~Escapable {
        var low: ByteCursor
        var high: ByteCursor
        let pathCount: Int

        @_lifetime(copy low, copy high)
        init(low: ByteCursor, high: ByteCursor, pathCount: Int) {
            self.low = low
            self.high = high
            self.pathCount = pathCount
        }

        /// The path of that difference to a reference; `absent` where that is none of the block's.
        @inline(__always)
        @_lifetime(self: copy self)
        mutating func path(_ symbol: UInt8, from reference: UInt32) throws(PartError) -> UInt32 {
            var difference = UInt64(try low.byte())
            if symbol == Symbol.twoBytes {
                difference |= UInt64(try high.byte()) << 8
            } else if symbol == Symbol.number {
                difference |= try high.varint() << 8
            }
            let value = UInt64(bitPattern: Int64(reference) &+ Zigzag.decode(difference))
            return value < UInt64(pathCount) ? UInt32(truncatingIfNeeded: value) : .absent
        }

        func expectEnd() throws(PartError) {
            try low.expectEnd()
            try high.expectEnd()
        }
    }
}
