/// What is known of the events so far, to predict the next path: encoder and decoder make the same moves.
///
/// Range: processes are below `processCount` or `absent`, which is checked; paths that events go on with are below
/// `pathCount`, which callers see to. Then no place that is worked out from them lies outside of the words, so that these
/// are not checked again: that is a third of decoding.
/// Shape: one flat array of words, lent by the caller so that it can be used again: for each process + 1 (0 is
/// `absent`) its context, 0 before its first event; for each path + 1 (0: nothing yet) what followed it, + 1; the same for
/// pairs, by hash, where collisions only predict badly; and the contexts, nineteen words each.
struct PathPredictor: ~Copyable, ~Escapable {
    /// Of a context: last path, the one before, the ring's position, the ring of those before.
    private static let contextWordCount = 3 + PathColumn.recentCount

    /// One above the greatest path so far.
    var next: UInt32
    private var state: MutableSpan<UInt32>
    private var reference: UInt32 = 0
    private var contextEnd: Int
    private let pathCount: Int
    private let successorBase: Int
    private let pairBase: Int
    private let pairShift: UInt32

    /// `storage` is overwritten. Parameter runCount: how many runs of events of one process there are at most.
    @_lifetime(&storage)
    init(
        _ storage: inout [UInt32], eventCount: Int, runCount: Int, pathCount: Int, processCount: Int, next: UInt32
    ) {
        self.next = next
        self.pathCount = pathCount
        // 16...65,536 slots, at least twice the events.
        var bits: UInt32 = 4
        while bits < 16 && 1 << Int(bits) < 2 * eventCount { bits += 1 }
        pairShift = 32 - bits
        successorBase = processCount + 1
        pairBase = successorBase + pathCount + 1
        contextEnd = pairBase + 1 << Int(bits)
        let contextCount = min(runCount, processCount + 1)
        let wordCount = contextEnd + contextCount * Self.contextWordCount
        if storage.count < wordCount {
            storage = Array(repeating: 0, count: wordCount)
        } else {
            var known = storage.mutableSpan
            known.update(repeating: 0)
        }
        state = storage.mutableSpan
    }

    /// The context of a process, made when it is new.
    @inline(__always)
    @_lifetime(self: copy self)
    private mutating func context(of process: UInt32) -> Int {
        let slot = Int(process &+ 1)
        precondition(slot < successorBase, "process beyond its table")
        let known = self[slot]
        if known != 0 { return Int(known) }
        let context = contextEnd
        self[slot] = UInt32(truncatingIfNeeded: context)
        // One more process than `contextCount` allows for cannot be: each run has one.
        for word in 0..<Self.contextWordCount where word != 2 { state[context &+ word] = .absent }
        contextEnd &+= Self.contextWordCount
        return context
    }

    @inline(__always)
    private subscript(_ place: Int) -> UInt32 {
        get {
            assert(state.indices.contains(place))
            // SAFETY: see "Range" above: contexts are those made by `context(of:)`, whose words were all written in bounds.
            return unsafe state[unchecked: place]
        }
        @_lifetime(self: copy self)
        set {
            assert(state.indices.contains(place))
            // SAFETY: as above.
            unsafe state[unchecked: place] = newValue
        }
    }

    @inline(__always)
    private func pairSlot(_ last: UInt32, _ before: UInt32) -> Int {
        let mixed = ((last &+ 1) &* 0x9E37_79B1) ^ ((before &+ 1) &* 0x85EB_CA77)
        return pairBase &+ Int((mixed &* 0xC2B2_AE3D) >> pairShift)
    }
}

// MARK: - Events of one process in a row

extension PathPredictor {
    /// A context while events of its process follow one another: what changes with each of them stands outside of the words.
    struct Course {
        fileprivate let context: Int
        /// The context's last path; `absent` before its first.
        fileprivate(set) var last: UInt32
        fileprivate var before: UInt32
        fileprivate var position: UInt32
    }

    /// The context of a process, made when it is new. `end` is to be called before another is asked for.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func course(of process: UInt32) -> Course {
        let context = context(of: process)
        return Course(
            context: context, last: self[context], before: self[context &+ 1], position: self[context &+ 2])
    }

    /// Keeps what became of a context.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func end(_ course: Course) {
        self[course.context] = course.last
        self[course.context &+ 1] = course.before
        self[course.context &+ 2] = course.position
    }

    /// What differences count from.
    @inline(__always)
    func reference(_ course: Course) -> UInt32 { course.last == .absent ? reference : course.last }

    /// What follows the last two paths; `absent` when that is not known.
    @inline(__always)
    func afterTwo(_ course: Course) -> UInt32 { self[pairSlot(course.last, course.before)] &- 1 }

    /// What follows the last path; `absent` when that is not known.
    @inline(__always)
    func afterOne(_ course: Course) -> UInt32 { self[successorBase &+ Int(course.last &+ 1)] &- 1 }

    /// The path `distance` changes before the last, 0 ≤ distance < 16.
    @inline(__always)
    func recent(_ course: Course, distance: Int) -> UInt32 {
        let position = (Int(course.position) &- 1 &- distance) & (PathColumn.recentCount &- 1)
        return self[course.context &+ 3 &+ position]
    }

    /// The events go on with the last path, which is `path`.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func stay(at path: UInt32) { reference = path }

    /// The events go on with `path`. Range: below `pathCount`.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func advance(_ course: inout Course, to path: UInt32) {
        precondition(Int(path) < pathCount, "path beyond its table")
        reference = path
        next = max(next, path &+ 1)
        let old = course.last
        guard old != path else { return }
        self[pairSlot(old, course.before)] = path &+ 1
        self[successorBase &+ Int(old &+ 1)] = path &+ 1
        if old != .absent {
            self[course.context &+ 3 &+ Int(course.position)] = old
            course.position = (course.position &+ 1) & UInt32(PathColumn.recentCount &- 1)
        }
        course.before = old
        course.last = path
    }
}
