package import SQLiteWAL

/// The log and the index of a database, held in memory, so that a test may change what a capture reads.
package struct HeldFiles: WALReading {
    package var log: [UInt8]
    package var index: [UInt8]
    /// Whether somebody holds the write lock.
    package var isWritten: Bool

    package init(log: [UInt8], index: [UInt8], isWritten: Bool = false) {
        self.log = log
        self.index = index
        self.isWritten = isWritten
    }

    private func part(of bytes: [UInt8], _ offset: Int64, _ count: Int) -> [UInt8] {
        let start = Int(clamping: max(0, min(offset, Int64(bytes.count))))
        return Array(bytes[start...].prefix(count))
    }

    package mutating func readLog(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
        bytes = part(of: log, offset, count)
    }

    package mutating func readIndex(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError) {
        bytes = part(of: index, offset, count)
    }

    package mutating func logByteCount() throws(WALReadError) -> Int64 { Int64(log.count) }
    package mutating func isWriting() throws(WALReadError) -> Bool? { isWritten }
}
