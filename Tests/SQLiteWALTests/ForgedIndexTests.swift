import FuzzTargets
import Model
import SQLiteWAL
import TestSupport
import Testing

/// An index with a sound checksum that says what no SQLite would: whoever may write the file may write that.
@Suite struct ForgedIndexTests {
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
