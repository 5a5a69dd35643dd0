/// A set of paths as a machine that reads them byte by byte: what two patterns have in common is asked of a pair of them.
///
/// Nothing is guessed: two have a path in common when the pair of their last states is reached from the pair of their
/// first. Cost: a step for each pair of states, so at most the product of the patterns' lengths.
struct PathAutomaton {
    struct State {
        /// States that are also reached, without reading.
        var free: [Int] = []
        /// States that are reached by reading one byte of a set.
        var steps: [(bytes: ByteSet, next: Int)] = []
    }

    /// The first state is 0; the last one accepts.
    private(set) var states: [State] = []

    /// The paths that match elements of a pattern.
    init(_ elements: [GlobElement]) {
        let slash = UInt8(ascii: "/")
        for element in elements {
            let here = states.count
            switch element {
            case .byte(let byte): states.append(State(steps: [(.only(byte), here + 1)]))
            case .set(let set): states.append(State(steps: [(set, here + 1)]))
            case .nameRun: states.append(State(free: [here + 1], steps: [(.allBut(slash), here)]))
            case .anyRun: states.append(State(free: [here + 1], steps: [(.all, here)]))
            case .directories:
                states.append(State(free: [here + 1, here + 2]))
                states.append(State(steps: [(.all, here + 1), (.only(slash), here + 2)]))
            case .subtree:
                states.append(State(free: [here + 2], steps: [(.only(slash), here + 1)]))
                states.append(State(free: [here + 2], steps: [(.all, here + 1)]))
            }
        }
        states.append(State())
    }

    private init(states: [State]) {
        self.states = states
    }

    /// All paths as they are recorded: from the root, each name of one byte or more, none of them `.` or `..`.
    static let recorded: PathAutomaton = {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        var inName = ByteSet.allBut(slash)
        inName.remove(0)
        var plain = inName
        plain.remove(dot)
        let (first, root, before, oneDot, twoDots, name, end) = (0, 1, 2, 3, 4, 5, 6)
        var states = [State](repeating: State(), count: 7)
        states[first].steps = [(.only(slash), root)]
        states[root] = State(free: [before, end])
        states[before].steps = [(.only(dot), oneDot), (plain, name)]
        states[oneDot].steps = [(.only(dot), twoDots), (plain, name)]
        states[twoDots].steps = [(inName, name)]
        states[name] = State(free: [end], steps: [(inName, name), (.only(slash), before)])
        return PathAutomaton(states: states)
    }()

    /// True when some path is in both sets.
    func meets(_ other: PathAutomaton) -> Bool {
        let width = other.states.count
        var isReached = [Bool](repeating: false, count: states.count * width)
        isReached[0] = true
        var waiting = [0]
        func reach(_ one: Int, _ two: Int) {
            let pair = one * width + two
            guard !isReached[pair] else { return }
            isReached[pair] = true
            waiting.append(pair)
        }
        while let pair = waiting.popLast() {
            let (one, two) = (pair / width, pair % width)
            if one == states.count - 1, two == width - 1 { return true }
            for next in states[one].free { reach(next, two) }
            for next in other.states[two].free { reach(one, next) }
            for mine in states[one].steps {
                for its in other.states[two].steps where mine.bytes.intersects(its.bytes) { reach(mine.next, its.next) }
            }
        }
        return false
    }
}
