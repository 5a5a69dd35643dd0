internal import SQLiteWAL
internal import TestData

final class Checksumming: Work {
    private static let pageByteCount = 4_096
    private let pages: [UInt8]
    let unit = "page"
    let unitCount = 1_024

    init() {
        var random = SeededGenerator(seed: 1)
        pages = (0..<unitCount * Self.pageByteCount / 8).flatMap { _ in
            let word = random.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
    }

    func run() throws -> Int {
        var checksum = WALChecksum.zero
        let pages = pages
        // SAFETY: bytes have no padding, and the array outlives the span.
        let bytes = unsafe pages.span.bytes
        for page in 0..<unitCount {
            let start = page * Self.pageByteCount
            checksum.add(bytes.extracting(start..<start + Self.pageByteCount), order: .little)
        }
        return Int(checksum.first) ^ Int(checksum.second)
    }
}
