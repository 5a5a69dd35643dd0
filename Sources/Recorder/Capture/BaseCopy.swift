import Model
import SQLiteWAL
import Syscalls

/// A copy of a database as it is after one commit, taken while others write, without a lock.
///
/// A checkpoint only copies frames of the present generation into the database file, and the generation ends only with
/// new salts. So a raw copy of the file with the committed frames of the generation laid over it is right, if the salts
/// were the same before the file was read and after the frames were: whatever page a checkpoint may have been writing is
/// among the frames.
struct BaseCopy: Equatable {
    /// Which commit it is the state after, by its place in the log.
    var salts: WALSalts
    var frame: UInt32
    var changeCounter: UInt32
    var pageSize: WALPageSize
    var pageCount: UInt32

    /// Why there is none yet.
    enum Failure: Error, Equatable {
        /// The log began again during each try; asked for again later it may be calm.
        case busy
        /// Nothing says what is committed.
        case noIndex
        case unsupported(String)
        /// It would need more room than may be taken: the database's size in bytes.
        case tooLarge(Int64)
        case ended
        case unreadable(String)
    }

    struct Limits {
        /// So many bytes may be written: the copy, and for a while the image that is made of it.
        var byteCount = Int64.max
        /// Asked after each piece.
        var isEnding: () -> Bool = { false }
        /// What is read at once.
        var pieceByteCount = 1 << 20
    }

    static let tryCount = 5
    private static let pieceByteCount = 1 << 20

    /// Writes the copy into `target`.
    ///
    /// Throws: `busy` after five tries. Cost: in each try the database is read and written once, and the log read.
    static func take(
        _ files: inout DatabaseFiles, to target: borrowing OwnedDescriptor, _ limits: Limits = Limits()
    ) throws(Failure) -> BaseCopy {
        for _ in 0..<tryCount {
            if let copy = try attempt(&files, to: target, limits) { return copy }
        }
        throw .busy
    }

    /// nil where the log began again meanwhile.
    private static func attempt(
        _ files: inout DatabaseFiles, to target: borrowing OwnedDescriptor, _ limits: Limits
    ) throws(Failure) -> BaseCopy? {
        files.findIndex()
        let header: WALHeader
        switch try reading({ () throws(WALReadError) in try CaptureMachine.header(of: &files) }) {
        case .header(let found): header = found
        case .unsupported(let reason): throw .unsupported(reason)
        case .empty, .torn: return nil
        }
        // Without an index the copy would be for nothing.
        let begun = try index(of: &files)
        try check(begun, files.database, limits)
        let mark = files.mark()
        // What checkpoints of this generation had written before is in the file, or somebody has put something else there,
        // and SQLite reads it from there.
        let written = begun.salts == header.salts ? begun.backfilledFrameCount : 0
        try copy(files.database, to: target, limits)
        let index = try index(of: &files)
        try check(index, files.database, limits)
        guard index.salts == header.salts, index.pageSize == header.pageSize,
            try overlay(&files, header, behind: written, upTo: index, on: target)
        else { return nil }
        let after = try reading { () throws(WALReadError) in try CaptureMachine.header(of: &files) }
        guard after == .header(header), files.isUndisturbed else { return nil }
        if let mark, files.mark()?.isUnexplained(since: mark) == true { return nil }
        try writing { () throws(SyscallError) in
            try target.truncate(to: Int64(index.databasePageCount) * Int64(index.pageSize.byteCount))
        }
        return BaseCopy(
            salts: header.salts, frame: index.lastFrame, changeCounter: index.changeCounter, pageSize: index.pageSize,
            pageCount: index.databasePageCount)
    }

    static func index(of files: inout DatabaseFiles) throws(Failure) -> WALIndexHeader {
        guard let index = try reading({ () throws(WALReadError) in try CaptureMachine.index(of: &files) }) else {
            throw .noIndex
        }
        return index
    }

    /// Whoever may write the index can have it say any size: what neither the file nor the log can hold is not believed.
    ///
    /// Pages that were given back in the transaction that took them are in neither, so there may be more than both hold.
    static func check(
        _ index: WALIndexHeader, _ database: borrowing OwnedDescriptor, _ limits: Limits
    ) throws(Failure) {
        let pageByteCount = Int64(index.pageSize.byteCount)
        let fileByteCount: Int64
        do throws(SyscallError) {
            fileByteCount = try database.status().byteCount
        } catch {
            throw .unreadable(error.description)
        }
        let said = Int64(index.databasePageCount) * pageByteCount
        let held = fileByteCount + Int64(index.lastFrame) * pageByteCount
        guard isHeld(said, by: held) else {
            throw .unsupported("its index tells of \(index.databasePageCount) pages, which its files cannot hold")
        }
        guard max(said, fileByteCount) <= limits.byteCount else { throw .tooLarge(max(said, fileByteCount)) }
    }

    /// Whether a database may be so large: about half of it at least is in its files.
    static func isHeld(_ byteCount: Int64, by heldByteCount: Int64) -> Bool {
        byteCount / 2 <= heldByteCount + 1 << 20
    }

    private static func copy(
        _ database: borrowing OwnedDescriptor, to target: borrowing OwnedDescriptor, _ limits: Limits
    ) throws(Failure) {
        var bytes: [UInt8] = []
        var offset: Int64 = 0
        while offset <= limits.byteCount {
            guard !limits.isEnding() else { throw .ended }
            bytes.removeAll(keepingCapacity: true)
            do throws(SyscallError) {
                if try database.read(upTo: limits.pieceByteCount, at: offset, appendingTo: &bytes) == 0 { return }
            } catch {
                throw .unreadable(error.description)
            }
            try writing { () throws(SyscallError) in try target.write(bytes, at: offset) }
            offset += Int64(bytes.count)
        }
        throw .tooLarge(offset)
    }

    /// Lays the committed frames behind frame `written` over the copy. False where the log does not hold together up to the index's last frame.
    private static func overlay(
        _ files: inout DatabaseFiles, _ header: WALHeader, behind written: UInt32, upTo index: WALIndexHeader,
        on target: borrowing OwnedDescriptor
    ) throws(Failure) -> Bool {
        let size = header.pageSize
        var chain = FrameChain(header)
        var bytes: [UInt8] = []
        let perRead = UInt32(max(1, pieceByteCount / size.frameByteCount))
        while chain.frame < index.lastFrame {
            let first = chain.frame + 1
            let count = min(perRead, index.lastFrame - chain.frame)
            let offset = size.offset(ofFrame: first)
            try reading { () throws(WALReadError) in
                try files.readLog(at: offset, count: Int(count) * size.frameByteCount, into: &bytes)
            }
            for place in 0..<Int(count) {
                let start = place * size.frameByteCount
                guard start + size.frameByteCount <= bytes.count else { return false }
                // SAFETY: the array lives through the call, which only reads it.
                let taken = unsafe chain.take(bytes.span.bytes.extracting(start..<start + size.frameByteCount))
                guard case .success(let frame) = taken else { return false }
                if chain.frame <= written { continue }
                let page = Array(bytes[start + WALFrameHeader.byteCount..<start + size.frameByteCount])
                try writing { () throws(SyscallError) in
                    try target.write(page, at: Int64(frame.page - 1) * Int64(size.byteCount))
                }
            }
        }
        return index.lastFrame == 0 || chain.checksum == index.frameChecksum
    }

    static func reading<Value>(_ body: () throws(WALReadError) -> Value) throws(Failure) -> Value {
        do throws(WALReadError) {
            return try body()
        } catch {
            throw .unreadable(error.reason)
        }
    }

    static func writing(_ body: () throws(SyscallError) -> Void) throws(Failure) {
        do throws(SyscallError) {
            try body()
        } catch {
            throw .unreadable("the copy cannot be written: \(error.description)")
        }
    }
}
