internal import Block
package import Model
internal import Query
internal import Store

/// What the virtual tables of one connection share.
///
/// Thread: that of the connection.
package final class SQLSession {
    /// The store of tables that name none; nil: the one that programs read by default.
    let defaultStore: RawPath?
    /// Takes notes of what was scanned; nil in a foreign process, where nobody would read them.
    package let trace: ScanTrace?
    /// Runs something trivial on the connection, which fails when the connection was interrupted.
    private var interruptCheck: () -> Bool = { false }

    package init(defaultStore: RawPath? = nil, trace: ScanTrace? = nil) {
        self.defaultStore = defaultStore
        self.trace = trace
    }

    func setInterruptCheck(_ check: @escaping () -> Bool) {
        interruptCheck = check
    }

    /// Throws where the statement was interrupted; to be called between blocks.
    func checkInterrupt() throws(SQLTableError) {
        if interruptCheck() { throw SQLTableError.interrupted }
    }

    /// The store of a scan. Throws: `SQLTableError` where none is named and none can be guessed.
    func store(_ argument: SQLValue?) throws(SQLTableError) -> RawPath {
        switch argument {
        case .text(let bytes)?, .blob(let bytes)?:
            guard !bytes.isEmpty, !bytes.contains(0) else { break }
            return RawPath(bytes)
        case nil:
            if let defaultStore { return defaultStore }
            if let standard = QueryProcess.standardStore() { return standard }
        default: break
        }
        throw SQLTableError("which store? name its directory as the table's argument: FROM event('/var/lib/varve')")
    }

    /// The number behind the last event that a scan looks at: what is recorded while a statement runs is in no part of its
    /// answer. Nil: all there are.
    func endSequence(of store: RawPath, _ reader: StoreReader) throws(StoreError) -> UInt64? {
        if store == defaultStore, let end = trace?.endSequence { return end }
        return try reader.lastSequence().map { $0 &+ 1 }
    }

    /// Blocks that cannot be read: noted where somebody reads the notes, else the end of the statement, so that an answer
    /// that lacks them is never taken for a whole one.
    func report(_ damage: Scan.Damage) throws(SQLTableError) {
        if let trace {
            trace.note(damage)
            return
        }
        let last = damage.firstSequence &+ damage.count &- 1
        throw SQLTableError(
            "damaged block: events \(damage.firstSequence) to \(last) cannot be read: \(damage.error); 'varve verify' "
                + "checks the store, and seq < \(damage.firstSequence) OR seq > \(last) asks for the others",
            code: SQLTableError.corruptTable)
    }

    func report(_ damages: ArraySlice<Scan.Damage>) throws(SQLTableError) {
        for damage in damages { try report(damage) }
    }

    /// An answer that may miss something, as the text says.
    func report(incomplete text: String) throws(SQLTableError) {
        guard let trace else { throw SQLTableError(text) }
        trace.note(missing: text)
    }

    /// Events of the range were pruned while they were being read.
    func reportPruned() throws(SQLTableError) {
        guard let trace else {
            throw SQLTableError("blocks were pruned while they were being read; ask again", code: SQLTableError.aborted)
        }
        trace.lostToPruning = true
    }
}

extension SQLTableError {
    /// SQLITE_CORRUPT_VTAB, SQLITE_ABORT and SQLITE_INTERRUPT. https://www.sqlite.org/rescode.html
    static let corruptTable: Int32 = 267
    static let aborted: Int32 = 4
    static let interrupted = SQLTableError("interrupted", code: 9)
}
