internal import Model
internal import Syscalls

extension StoreWriter {
    /// The `-wal` grows by this much at once while commits are small.
    static var walGrowthByteCount: Int { 128 << 10 }
    private static var filePageByteCount: Int64 { 4_096 }

    /// Opens the `-wal` for `sync`, once: SQLite keeps the same file for the life of the connection.
    mutating func openWAL() throws(SyscallError) {
        guard walDescriptor == nil else { return }
        // A raw descriptor of the -wal is safe: SQLite holds no POSIX lock on that file that closing it could drop.
        walDescriptor = try OwnedDescriptor.open(layout.wal, flags: StoreOpening.walFlags)
    }

    /// After a small commit that made the `-wal` longer: makes it longer still, with zeros.
    ///
    /// Each fdatasync(2) of a file that grew costs the filesystem's journal a commit, more than the commit's own frames.
    /// Zeros are no valid frame, so recovery ends before them. https://www.sqlite.org/fileformat2.html#walformat
    /// Cost: one stat(2), and thirty small writes in about as many commits. A failure costs nothing but those journal writes.
    mutating func growWALAhead() {
        guard let status = try? layout.wal.status() else { return }
        let grown = status.byteCount - knownWALByteCount
        knownWALByteCount = status.byteCount
        // It grew, so the last frame ends exactly where the file does: the zeros overwrite nothing.
        guard grown > 0, grown <= Int64(Self.walGrowthByteCount / 2) else { return }
        do throws(SyscallError) {
            try openWAL()
            // Page by page: one large write would make one large folio in the page cache, and each later commit would
            // dirty, and be charged with, all of it.
            let end = status.byteCount + Int64(Self.walGrowthByteCount)
            while knownWALByteCount < end {
                let pageEnd = (knownWALByteCount / Self.filePageByteCount + 1) * Self.filePageByteCount
                let zeros = [UInt8](repeating: 0, count: Int(pageEnd - knownWALByteCount))
                try walDescriptor?.write(zeros, at: knownWALByteCount)
                knownWALByteCount = pageEnd
            }
        } catch {
            return
        }
    }
}
