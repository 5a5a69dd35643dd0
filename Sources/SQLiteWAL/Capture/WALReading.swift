/// How the files of a watched database are read: by a driver that holds descriptors of them. Nothing is ever written, and
/// no lock is taken.
package protocol WALReading: ~Copyable {
    /// Replaces `bytes` by what `-wal` holds at `offset`, at most `count` bytes; by fewer at its end.
    mutating func readLog(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError)
    /// The same of `-shm`; by none where there is no such file.
    mutating func readIndex(at offset: Int64, count: Int, into bytes: inout [UInt8]) throws(WALReadError)
    /// The length of `-wal`.
    mutating func logByteCount() throws(WALReadError) -> Int64
    /// Whether somebody holds the write lock, byte 120 of `-shm`; nil where that cannot be asked.
    mutating func isWriting() throws(WALReadError) -> Bool?
}

/// A file of a watched database could not be read.
package struct WALReadError: Error, Hashable, Sendable {
    /// What failed, on what, and why.
    package var reason: String

    package init(_ reason: String) {
        self.reason = reason
    }
}
