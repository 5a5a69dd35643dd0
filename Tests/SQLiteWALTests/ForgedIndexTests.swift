import Model
import SQLiteWAL
import TestSupport
import Testing

/// An index with a sound checksum that says what no SQLite would: whoever may write the file may write that.
@Suite struct ForgedIndexTests {
    /// The bytes of a log and an index.
    private struct HeldFiles: WALReading {
        var log: [UInt8]
        var index: [UInt8]

        private func part(of bytes: [UInt8], _ offset: Int64, _ count: Int) -> [UInt8] {
            let start = Int(clamping: max(0, min(offset, Int64(bytes.count))))
            return Array(bytes[start..<min(bytes.count, start + count)])
        }

        mutating func readLog(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
            bytes = part(of: log, offset, count)
        }

        mutating func readIndex(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
            bytes = part(of: index, offset, count)
        }

        mutating func logByteCount() throws(WALReadError) -> Int64 { Int64(log.count) }
        mutating func isWriting() throws(WALReadError) -> Bool? { false }
    }

    /// Looks again and again at what was forged; nothing may trap, and every look comes to an end.
    @Test(arguments: [true, false]) func whatAForgedIndexSaysEndsNothing(isFresh: Bool) throws {
        let directory = try TemporaryDirectory()
        let written = try WrittenDatabase(pageSize: 512, seed: 5, in: directory)
        let mxFrame = 16
        let frameChecksum = 24
        for (offset, value) in [
            (frameChecksum, 1), (mxFrame, UInt32.max), (mxFrame, UInt32.max - 1), (mxFrame, 0x7FFF_FFFF), (mxFrame, 1),
            (20, UInt32.max), (32, 7),
        ] as [(Int, UInt32)] {
            for takesWholeLog in [true, false] {
                var files = HeldFiles(log: written.wal, index: written.index)
                forgeIndex(&files.index, at: offset, value)
                var machine = CaptureMachine(isFresh: isFresh, takesWholeLog: takesWholeLog)
                for look in 1...20 {
                    _ = try machine.step(&files, now: Int64(look) * 60_000_000)
                    // Then the log begins anew under another salt, with the same claim.
                    if look == 10 { files.log[19] ^= 1 }
                }
            }
        }
    }
}
