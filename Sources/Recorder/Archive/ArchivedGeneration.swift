import Model

/// The generation of an archive that commits go to. Thread: one, the loop's.
final class ArchivedGeneration {
    let number: UInt64
    var chain: ArchiveChain
    let begun: Instant
    let baseByteCount: UInt64
    /// Of its segments.
    var byteCount: UInt64

    init(number: UInt64, chain: consuming ArchiveChain, begun: Instant, baseByteCount: UInt64, byteCount: UInt64) {
        self.number = number
        self.chain = chain
        self.begun = begun
        self.baseByteCount = baseByteCount
        self.byteCount = byteCount
    }
}
