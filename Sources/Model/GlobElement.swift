/// One element of a pattern.
enum GlobElement: Hashable, Sendable {
    /// Exactly this byte.
    case byte(UInt8)
    /// One byte of a set (256 bits in four words).
    case set(ByteSet)
    /// `*`: any bytes but `/`.
    case nameRun
    /// `**`: any bytes.
    case anyRun
    /// `**/` after a slash: nothing, or any bytes and a slash.
    case directories
    /// The end of a directory's own path: nothing, or a slash and any bytes.
    case subtree
}

/// A set of byte values.
struct ByteSet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var middle: UInt64 = 0
    private var upper: UInt64 = 0
    private var high: UInt64 = 0

    func contains(_ byte: UInt8) -> Bool {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return low & bit != 0
        case 1: return middle & bit != 0
        case 2: return upper & bit != 0
        default: return high & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: low |= bit
        case 1: middle |= bit
        case 2: upper |= bit
        default: high |= bit
        }
    }

    mutating func remove(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: low &= ~bit
        case 1: middle &= ~bit
        case 2: upper &= ~bit
        default: high &= ~bit
        }
    }

    mutating func invert() {
        low = ~low
        middle = ~middle
        upper = ~upper
        high = ~high
    }

    func intersects(_ other: ByteSet) -> Bool {
        low & other.low | middle & other.middle | upper & other.upper | high & other.high != 0
    }

    static let all: ByteSet = {
        var set = ByteSet()
        set.invert()
        return set
    }()

    static func only(_ byte: UInt8) -> ByteSet {
        var set = ByteSet()
        set.insert(byte)
        return set
    }

    static func allBut(_ byte: UInt8) -> ByteSet {
        var set = all
        set.remove(byte)
        return set
    }
}

/// Splits a pattern into elements; runs of stars are joined, so that no two stand side by side.
struct GlobParser {
    private let pattern: [UInt8]
    private let slashIsSpecial: Bool
    private var position = 0
    private var result: [GlobElement] = []

    init(_ pattern: [UInt8], slashIsSpecial: Bool) {
        self.pattern = pattern
        self.slashIsSpecial = slashIsSpecial
    }

    consuming func elements() -> [GlobElement] {
        result.reserveCapacity(pattern.count + 2)
        while position < pattern.count {
            let byte = pattern[position]
            switch byte {
            case UInt8(ascii: "*"): takeStars()
            case UInt8(ascii: "?"):
                position += 1
                var any = ByteSet()
                any.invert()
                if slashIsSpecial { any.remove(UInt8(ascii: "/")) }
                result.append(.set(any))
            case UInt8(ascii: "["):
                if !takeClass() {
                    result.append(.byte(byte))
                    position += 1
                }
            case UInt8(ascii: "\\") where position + 1 < pattern.count:
                result.append(.byte(pattern[position + 1]))
                position += 2
            default:
                result.append(.byte(byte))
                position += 1
            }
        }
        return result
    }

    private mutating func takeStars() {
        let first = position
        while position < pattern.count, pattern[position] == UInt8(ascii: "*") { position += 1 }
        guard slashIsSpecial else {
            result.append(.anyRun)
            return
        }
        guard position - first > 1 else {
            result.append(.nameRun)
            return
        }
        let followsSlash = result.last == .byte(UInt8(ascii: "/")) || result.last == .directories
        if followsSlash, position < pattern.count, pattern[position] == UInt8(ascii: "/") {
            position += 1
            if result.last != .directories { result.append(.directories) }
        } else {
            result.append(.anyRun)
        }
    }

    /// Reads `[…]` at the position; false and nothing read where it is not closed.
    private mutating func takeClass() -> Bool {
        var next = position + 1
        var isNegated = false
        if next < pattern.count, pattern[next] == UInt8(ascii: "!") || pattern[next] == UInt8(ascii: "^") {
            isNegated = true
            next += 1
        }
        var set = ByteSet()
        var isFirst = true
        while next < pattern.count, isFirst || pattern[next] != UInt8(ascii: "]") {
            isFirst = false
            guard let low = classByte(&next) else { return false }
            var high = low
            // A hyphen before the closing bracket is itself a member.
            if next + 1 < pattern.count, pattern[next] == UInt8(ascii: "-"), pattern[next + 1] != UInt8(ascii: "]") {
                next += 1
                guard let end = classByte(&next) else { return false }
                high = end
            }
            if low <= high {
                for byte in low...high { set.insert(byte) }
            }
        }
        guard next < pattern.count else { return false }
        if isNegated { set.invert() }
        if slashIsSpecial { set.remove(UInt8(ascii: "/")) }
        result.append(.set(set))
        position = next + 1
        return true
    }

    private func classByte(_ next: inout Int) -> UInt8? {
        guard next < pattern.count else { return nil }
        if pattern[next] == UInt8(ascii: "\\"), next + 1 < pattern.count { next += 1 }
        defer { next += 1 }
        return pattern[next]
    }
}

/// What a pattern says without any wildcard: used to ask a block's filter.
struct GlobLiterals {
    /// The pattern as one path, where it has no wildcard.
    private(set) var whole: RawPath?
    /// The directory part of the literal beginning.
    private(set) var directory: RawPath?

    init(_ elements: [GlobElement]) {
        var literal: [UInt8] = []
        var isWhole = true
        for element in elements {
            guard case .byte(let byte) = element else {
                isWhole = false
                break
            }
            literal.append(byte)
        }
        guard literal.first == UInt8(ascii: "/") else { return }
        if isWhole { whole = RawPath(literal) }
        if let slash = literal.lastIndex(of: UInt8(ascii: "/")), slash > 0 {
            directory = RawPath(Array(literal[..<slash]))
        }
    }
}
