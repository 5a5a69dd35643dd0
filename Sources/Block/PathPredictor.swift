/// What is known of the events so far, to predict the next path: encoder and decoder make the same moves.
///
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
    private let successorBase: Int
    private let pairBase: Int
    private let pairShift: UInt32

    /// `storage` is overwritten.
    @_lifetime(&storage)
    init(_ storage: inout [UInt32], eventCount: Int, pathCount: Int, processCount: Int, next: UInt32) {
        self.next = next
        // 16...65,536 slots, at least twice the events.
        var bits: UInt32 = 4
        while bits < 16 && 1 << Int(bits) < 2 * eventCount { bits += 1 }
        pairShift = 32 - bits
        successorBase = processCount + 1
        pairBase = successorBase + pathCount + 1
        contextEnd = pairBase + 1 << Int(bits)
        let contextCount = min(eventCount, processCount + 1)
        storage.removeAll(keepingCapacity: true)
        storage.append(
            contentsOf: repeatElement(0, count: contextEnd + contextCount * Self.contextWordCount))
        state = storage.mutableSpan
    }

    /// The context of a process, made when it is new.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func context(of process: UInt32) -> Int {
        let slot = Int(process &+ 1)
        let known = state[slot]
        if known != 0 { return Int(known) }
        let context = contextEnd
        state[slot] = UInt32(truncatingIfNeeded: context)
        for word in 0..<Self.contextWordCount where word != 2 { state[context &+ word] = .absent }
        contextEnd &+= Self.contextWordCount
        return context
    }

    /// The context's last path; `absent` before its first.
    @inline(__always)
    func last(_ context: Int) -> UInt32 { state[context] }

    /// What differences count from.
    @inline(__always)
    func reference(_ context: Int) -> UInt32 {
        let last = state[context]
        return last == .absent ? reference : last
    }

    @inline(__always)
    private func pairSlot(_ context: Int) -> Int {
        let mixed = ((state[context] &+ 1) &* 0x9E37_79B1) ^ ((state[context &+ 1] &+ 1) &* 0x85EB_CA77)
        return pairBase &+ Int((mixed &* 0xC2B2_AE3D) >> pairShift)
    }

    /// What follows the context's last two paths; `absent` when that is not known.
    @inline(__always)
    func afterTwo(_ context: Int) -> UInt32 { state[pairSlot(context)] &- 1 }

    /// What follows the context's last path; `absent` when that is not known.
    @inline(__always)
    func afterOne(_ context: Int) -> UInt32 { state[successorBase &+ Int(state[context] &+ 1)] &- 1 }

    /// The path `distance` changes before the last, 0 ≤ distance < 16.
    @inline(__always)
    func recent(_ context: Int, distance: Int) -> UInt32 {
        let position = (Int(state[context &+ 2]) &- 1 &- distance) & (PathColumn.recentCount &- 1)
        return state[context &+ 3 &+ position]
    }

    /// The context's events go on with `path`, which is not `absent`.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func advance(_ context: Int, to path: UInt32) {
        reference = path
        next = max(next, path &+ 1)
        let old = state[context]
        guard old != path else { return }
        state[pairSlot(context)] = path &+ 1
        state[successorBase &+ Int(old &+ 1)] = path &+ 1
        if old != .absent {
            let position = Int(state[context &+ 2])
            state[context &+ 3 &+ position] = old
            state[context &+ 2] = UInt32((position &+ 1) & (PathColumn.recentCount &- 1))
        }
        state[context &+ 1] = old
        state[context] = path
    }
}
