import Model

@testable import Query

/// The selection's meaning, one whole event at a time, without any of the engine's short cuts.
struct NaiveFilter {
    var selection: Selection

    func selects(_ event: RecordedEvent) -> Bool {
        isInRange(event) && matchesPath(event) && matchesProcess(event)
            && (selection.operations.isEmpty || !event.mask.isDisjoint(with: selection.operations))
    }

    /// Behind the range's end, with a window that reaches into it.
    func crosses(_ event: RecordedEvent) -> Bool {
        guard let until = selection.until, event.time >= until, event.earliest < until,
            event.time >= selection.since ?? .distantPast
        else { return false }
        return matchesPath(event) && matchesProcess(event)
            && (selection.operations.isEmpty || !event.mask.isDisjoint(with: selection.operations))
    }

    private func isInRange(_ event: RecordedEvent) -> Bool {
        event.time >= selection.since ?? .distantPast && (selection.until.map { event.time < $0 } ?? true)
    }

    private func matchesPath(_ event: RecordedEvent) -> Bool {
        guard selection.hasPathCondition else { return true }
        return [event.path, event.target].contains { path in
            guard let path else { return false }
            return (selection.paths.isEmpty || selection.paths.contains { $0.matches(path) })
                && (selection.directories.isEmpty || selection.directories.contains { $0.matches(path) })
        }
    }

    private func name(of process: ActorProcess?) -> RawPath? {
        if let comm = process?.comm { return comm }
        let file = process?.script ?? process?.exe
        return file?.bytes.split(separator: UInt8(ascii: "/")).last.map { RawPath(Array($0.prefix(15))) }
    }

    private func matchesProcess(_ event: RecordedEvent) -> Bool {
        func any(_ globs: [Glob], _ values: [RawPath?]) -> Bool {
            globs.isEmpty
                || values.contains { value in value.map { v in globs.contains { $0.matches(v.bytes) } } ?? false }
        }
        let process = event.process
        if let excluded = selection.excludedPID, process?.pid == excluded { return false }
        let pidMatches = selection.pids.isEmpty || process.map { selection.pids.contains($0.pid) } ?? false
        let userMatches = selection.userIDs.isEmpty || process?.uid.map { selection.userIDs.contains($0) } ?? false
        let loginMatches =
            selection.loginUserIDs.isEmpty || process?.loginUID.map { selection.loginUserIDs.contains($0) } ?? false
        let units = process?.controlGroup.map { ControlGroupName.units(of: $0) } ?? []
        return pidMatches && userMatches && loginMatches && any(selection.units, units)
            && any(selection.comms, [name(of: process)])
            && any(selection.exes, [process?.exe, process?.script]) && any(selection.containers, [process?.container])
    }
}
