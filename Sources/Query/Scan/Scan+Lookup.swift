internal import Model

/// A scan that another one goes before, to find out what its events are to be told apart by.
extension Scan {
    /// A scan of the events of the same range of time, whatever else this one asks for, that match one of the patterns and were
    /// stored before `sequence`.
    func ofSameTime(_ patterns: [Glob], before sequence: UInt64) -> Scan {
        var wider = Selection()
        (wider.since, wider.until, wider.includesOverlapping) = (
            selection.since, selection.until, selection.includesOverlapping
        )
        wider.paths = patterns
        let scan = Scan(reader, wider, beforeSequence: sequence)
        (scan.progress, scan.shouldStop) = (progress, shouldStop)
        return scan
    }

    /// No event from this number on is looked at.
    func stop(before sequence: UInt64) { walk.stop(before: sequence) }

    /// Adds blocks that another scan of the range could not read.
    func note(_ others: [Damage]) {
        let known = Set(damages.map(\.firstSequence))
        let added = others.filter { !known.contains($0.firstSequence) }
        guard !added.isEmpty else { return }
        damages = (damages + added).sorted { $0.firstSequence < $1.firstSequence }
    }
}
