internal import Model

extension Selection {
    /// Which events are asked for, whenever they happened: the same text for the same wishes. The patterns of a key are in
    /// the order they were given; bytes are written as `TerminalText` does.
    package var wishText: String {
        var wishes: [String] = []
        func note(_ key: String, _ values: [String]) {
            if !values.isEmpty { wishes.append("\(key)=\(values.joined(separator: ","))") }
        }
        func patterns(_ globs: [Glob]) -> [String] { globs.map { TerminalText.escaped($0.pattern) } }
        note("path", patterns(paths))
        note("under", patterns(directories))
        note("op", operations.operationNames)
        note("pid", pids.sorted().map { "\($0)" })
        note("comm", patterns(comms))
        note("exe", patterns(exes))
        note("user", userIDs.sorted().map { "\($0)" })
        note("login-user", loginUserIDs.sorted().map { "\($0)" })
        note("unit", patterns(units))
        note("container", patterns(containers))
        return wishes.joined(separator: " ")
    }
}
