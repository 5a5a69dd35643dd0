internal import Block

extension ColumnRuns {
    /// Calls `body` with each run within `range`, cut at its bounds.
    ///
    /// In this room, since a body is part of the loop only where both are compiled together: a run may be of one event.
    @inline(__always)
    func forEach(in range: Range<Int>, _ body: (_ value: UInt32, _ places: Range<Int>) -> Void) {
        guard !range.isEmpty else { return }
        let (values, ends) = (values.span, ends.span)
        var start = range.lowerBound
        var run = firstRun(behind: start)
        while start < range.upperBound, run < ends.count {
            let end = min(Int(ends[run]), range.upperBound)
            body(values[run], start..<end)
            start = end
            run &+= 1
        }
    }
}
