/// The transitions of a pattern, as masks over its positions.
///
/// Position i is "the first i elements are matched". For each byte value one mask says which positions move on, one
/// which stay; two masks over positions say which may be passed without reading. Stars are never neighbours after
/// `GlobTable.init`, so following each kind of free move once reaches every position.
struct GlobTable: Sendable {
    let start: Glob.State
    /// How many words a state has.
    let wordCount: Int
    private let positionCount: Int
    /// `wordCount` words for each of the 256 byte values.
    private var moves: [UInt64]
    private var stays: [UInt64]
    private var skipsOne: [UInt64]
    private var skipsTwo: [UInt64]

    init(_ source: [GlobElement]) {
        let slash = UInt8(ascii: "/")
        // `.directories` and `.subtree` take two positions: one that may be skipped with the next, and one that reads on.
        var elements: [GlobElement] = []
        for element in source {
            if let last = elements.last, last.isRun, element.isRun {
                if element == .anyRun { elements[elements.count - 1] = .anyRun }
                continue
            }
            elements.append(element)
        }
        let count = elements.reduce(0) { $0 + ($1 == .directories || $1 == .subtree ? 2 : 1) }
        let words = count / 64 + 1
        positionCount = count
        wordCount = words
        var moves = [UInt64](repeating: 0, count: 256 * words)
        var stays = moves
        var skipsOne = [UInt64](repeating: 0, count: words)
        var skipsTwo = skipsOne
        var position = 0
        for element in elements {
            let word = position / 64
            let bit: UInt64 = 1 << UInt64(position % 64)
            switch element {
            case .byte(let byte):
                moves[Int(byte) * words + word] |= bit
            case .set(let set):
                for value in 0..<256 where set.contains(UInt8(value)) { moves[value * words + word] |= bit }
            case .nameRun:
                for value in 0..<256 where value != Int(slash) { stays[value * words + word] |= bit }
                skipsOne[word] |= bit
            case .anyRun:
                for value in 0..<256 { stays[value * words + word] |= bit }
                skipsOne[word] |= bit
            case .directories:
                skipsOne[word] |= bit
                skipsTwo[word] |= bit
                position += 1
                let inner: UInt64 = 1 << UInt64(position % 64)
                for value in 0..<256 { stays[value * words + position / 64] |= inner }
                moves[Int(slash) * words + position / 64] |= inner
            case .subtree:
                moves[Int(slash) * words + word] |= bit
                skipsTwo[word] |= bit
                position += 1
                let inner: UInt64 = 1 << UInt64(position % 64)
                for value in 0..<256 { stays[value * words + position / 64] |= inner }
                skipsOne[position / 64] |= inner
            }
            position += 1
        }
        self.moves = moves
        self.stays = stays
        self.skipsOne = skipsOne
        self.skipsTwo = skipsTwo
        var first = [UInt64](repeating: 0, count: words)
        first[0] = 1
        Self.passFree(&first, skipsOne: skipsOne, skipsTwo: skipsTwo)
        start = Glob.State(words: first)
    }

    func accepts(_ state: Glob.State) -> Bool {
        state.words[positionCount / 64] & (1 << UInt64(positionCount % 64)) != 0
    }

    /// The same for a one-word state. Range: `wordCount` is 1.
    func accepts(word state: UInt64) -> Bool {
        state & (1 << UInt64(positionCount % 64)) != 0
    }

    func advance(_ state: inout Glob.State, over bytes: some Sequence<UInt8>) {
        if wordCount == 1 {
            state.words[0] = advanceOne(state.words[0], over: bytes)
        } else {
            for byte in bytes { step(&state.words, byte) }
        }
    }

    /// Reads `bytes` from a one-word state on. Range: `wordCount` is 1.
    func advanceOne(_ first: UInt64, over bytes: some Sequence<UInt8>) -> UInt64 {
        let one = skipsOne[0]
        let two = skipsTwo[0]
        var state = first
        for byte in bytes {
            var next = ((state & moves[Int(byte)]) << 1) | (state & stays[Int(byte)])
            next |= (next & two) << 2
            next |= (next & one) << 1
            state = next
            if state == 0 { break }
        }
        return state
    }

    private func step(_ state: inout [UInt64], _ byte: UInt8) {
        let base = Int(byte) * wordCount
        var carry: UInt64 = 0
        for word in 0..<wordCount {
            let moved = state[word] & moves[base + word]
            let next = (moved << 1) | carry | (state[word] & stays[base + word])
            carry = moved >> 63
            state[word] = next
        }
        Self.passFree(&state, skipsOne: skipsOne, skipsTwo: skipsTwo)
    }

    private static func passFree(_ state: inout [UInt64], skipsOne: [UInt64], skipsTwo: [UInt64]) {
        var carry: UInt64 = 0
        for word in 0..<state.count {
            let skipped = state[word] & skipsTwo[word]
            state[word] |= (skipped << 2) | carry
            carry = skipped >> 62
        }
        carry = 0
        for word in 0..<state.count {
            let skipped = state[word] & skipsOne[word]
            state[word] |= (skipped << 1) | carry
            carry = skipped >> 63
        }
    }
}

extension GlobElement {
    /// `*` or `**`.
    var isRun: Bool {
        self == .nameRun || self == .anyRun
    }
}
