import TestSupport

extension SeededGenerator {
    /// A number in 0..<`limit`.
    mutating func below(_ limit: Int) -> Int {
        Int(next() % UInt64(limit))
    }

    mutating func chance(_ numerator: Int, of denominator: Int) -> Bool {
        below(denominator) < numerator
    }
}
