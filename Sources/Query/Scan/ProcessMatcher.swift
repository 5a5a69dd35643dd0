internal import Model

/// Decides for each process of a block's dictionary, once, whether it is asked for.
struct ProcessMatcher {
    private let selection: Selection

    init(_ selection: Selection) {
        self.selection = selection
    }

    /// True when an event whose process is not known may be selected: only by leaving others out.
    var acceptsUnknown: Bool {
        var others = selection
        others.excludedPID = nil
        return !others.hasProcessCondition
    }

    /// One claim for each `ProcessIndex`.
    func matches(in processes: [ActorProcess]) -> [Bool] {
        processes.map(matches)
    }

    private func matches(_ process: ActorProcess) -> Bool {
        if let excluded = selection.excludedPID, process.pid == excluded,
            process.firstSeen >= selection.excludedSince
        {
            return false
        }
        if !selection.pids.isEmpty, !selection.pids.contains(process.pid) { return false }
        if !selection.userIDs.isEmpty {
            guard let user = process.uid, selection.userIDs.contains(user) else { return false }
        }
        if !selection.loginUserIDs.isEmpty {
            guard let user = process.loginUID, selection.loginUserIDs.contains(user) else { return false }
        }
        if !selection.units.isEmpty {
            // Any unit of the path: the system's, or one of a user's own manager below it.
            guard let group = process.controlGroup,
                ControlGroupName.units(of: group).contains(where: { matches($0, selection.units) })
            else { return false }
        }
        return matchesName(process) && matchesExe(process)
            && matches(process.container, selection.containers)
    }

    /// What is shown as its name is what it is found by.
    private func matchesName(_ process: ActorProcess) -> Bool {
        guard !selection.comms.isEmpty else { return true }
        guard let name = process.name else { return false }
        return selection.comms.contains { $0.matches(name) }
    }

    /// A script is found by its own name as well as by its interpreter's.
    private func matchesExe(_ process: ActorProcess) -> Bool {
        matches(process.exe, selection.exes) || (process.script != nil && matches(process.script, selection.exes))
    }

    private func matches(_ value: RawPath?, _ globs: [Glob]) -> Bool {
        guard !globs.isEmpty else { return true }
        guard let value else { return false }
        return globs.contains { $0.matches(value.bytes) }
    }
}
