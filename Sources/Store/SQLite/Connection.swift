internal import CSQLite
internal import Model
internal import Synchronization
internal import Syscalls

/// One connection to a store's database; closed when its owner's life ends.
///
/// Source: https://www.sqlite.org/c3ref/sqlite3.html
// Sendable: it is opened with SQLITE_OPEN_FULLMUTEX, so SQLite itself serializes calls from any thread.
@safe
struct Connection: ~Copyable, @unchecked Sendable {
    private let handle: OpaquePointer
    let path: RawPath
    /// What the hooks note, once `noteCommits` was called.
    let commitLog = CommitLog()
    private let live = Mutex<LiveDatabase?>(nil)

    /// How a database file is opened.
    enum Mode: Sendable {
        /// By the one writer. The file must exist.
        case write
        /// Reading beside a writer or after one: locks and the `-shm` file are used, nothing is written.
        case readShared
        /// Reading where there is no `-shm` file: no locks, the index of the `-wal` is kept in memory.
        case readWithoutSharedMemory
        /// Reading a database file whose `-wal` is missing or empty.
        case readImmutable
    }

    private init(_ path: RawPath, mode: Mode) throws(StoreError) {
        let parameters: String
        var flags = SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX
        switch mode {
        case .write:
            parameters = ""
            flags |= SQLITE_OPEN_READWRITE
        case .readShared:
            // The reader's own permissions must not decide whether it writes read marks and recovers the index.
            parameters = "?readonly_shm=1"
            flags |= SQLITE_OPEN_READONLY
        case .readWithoutSharedMemory:
            parameters = "?vfs=unix-none"
            flags |= SQLITE_OPEN_READONLY
        case .readImmutable:
            parameters = "?immutable=1"
            flags |= SQLITE_OPEN_READONLY
        }
        // SAFETY: the handle is owned by this value from here on.
        unsafe handle = try Self.open(path, parameters, flags)
        self.path = path
        // SAFETY: the handle is live; none of these calls keeps a pointer.
        _ = unsafe sqlite3_extended_result_codes(handle, 1)
        // Closing must neither checkpoint nor delete the -wal: readers on other machines' copies and in other
        // processes rely on it, and only one place in this room checkpoints.
        _ = unsafe varve_sqlite3_db_config_switch(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        // A database made by a stranger must not be able to run functions through its schema.
        _ = unsafe varve_sqlite3_db_config_switch(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
        _ = unsafe varve_sqlite3_db_config_switch(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    }

    private static let readerCachePageCount = 64

    /// Opens a database file; nothing in it is read yet.
    static func open(_ path: RawPath, mode: Mode) throws(StoreError) -> Connection {
        let connection = try Connection(path, mode: mode)
        // Without shared memory the index of the -wal can only live in the memory of a connection that is alone.
        if case .readWithoutSharedMemory = mode { try connection.execute("PRAGMA locking_mode=EXCLUSIVE") }
        // A reader passes through blocks once; a larger cache would only make it touch more memory.
        if mode != .write { try connection.execute("PRAGMA cache_size=\(readerCachePageCount)") }
        return connection
    }

    deinit {
        // SAFETY: closed here only; statements still alive keep the connection until they are finalized.
        _ = unsafe sqlite3_close_v2(handle)
    }

    private static func open(_ path: RawPath, _ parameters: String, _ flags: Int32) throws(StoreError) -> OpaquePointer
    {
        var opened: OpaquePointer?
        // SAFETY: SQLite writes one pointer into the variable lent to it and copies the name. Also after a failure the
        // pointer, if any, must be closed.
        let result = unsafe sqlite3_open_v2(uri(path, parameters), &opened, flags, nil)
        guard result == SQLITE_OK, let connection = unsafe opened else {
            let failure = SQLiteFailure(of: opened, statement: "open")
            _ = unsafe sqlite3_close_v2(opened)
            throw StoreError(failure, path: path)
        }
        return unsafe connection
    }

    /// Keeps the `-wal` file when the connection closes. https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html
    borrowing func keepWALFile() {
        var on: Int32 = 1
        // SAFETY: SQLite reads and writes one int through the pointer during the call.
        _ = unsafe sqlite3_file_control(handle, nil, SQLITE_FCNTL_PERSIST_WAL, &on)
    }

    /// From now on each commit is noted in `commitLog`, with the moments before and after it.
    ///
    /// https://www.sqlite.org/c3ref/commit_hook.html, https://www.sqlite.org/c3ref/wal_hook.html; the latter is what
    /// `PRAGMA wal_autocheckpoint` would set, so that must not be called afterwards.
    borrowing func noteCommits() {
        // SAFETY: the log lives as long as this value, which closes the connection before it lets go of it; the hooks are
        // called with nothing but the pointer given here.
        let context = unsafe Unmanaged.passUnretained(commitLog).toOpaque()
        _ = unsafe sqlite3_commit_hook(
            handle,
            { context in
                if let context = unsafe context {
                    unsafe Unmanaged<CommitLog>.fromOpaque(context).takeUnretainedValue().willCommit()
                }
                return 0
            }, context)
        _ = unsafe sqlite3_wal_hook(
            handle,
            { context, _, _, frameCount in
                if let context = unsafe context {
                    unsafe Unmanaged<CommitLog>.fromOpaque(context).takeUnretainedValue()
                        .didCommit(frame: UInt32(clamping: frameCount))
                }
                return SQLITE_OK
            }, context)
    }

    /// The database file, for reading its pages beside this connection. Opened once, closed after the connection.
    borrowing func liveDatabase() throws(SyscallError) -> LiveDatabase {
        if let opened = live.withLock({ $0 }) { return opened }
        let opened = try LiveDatabase(path)
        live.withLock { $0 = opened }
        return opened
    }

    /// How long a call waits for a lock of another process.
    borrowing func setBusyTimeout(milliseconds: Int32) {
        // SAFETY: the handle is live.
        _ = unsafe sqlite3_busy_timeout(handle, milliseconds)
    }

    /// Prepares one statement. `name` stands for it in errors.
    borrowing func prepare(_ name: StaticString, _ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        // SAFETY: SQLite writes one pointer into the variable lent to it and copies the text.
        let result = unsafe sqlite3_prepare_v3(handle, sql, -1, 0, &statement, nil)
        guard result == SQLITE_OK, let prepared = unsafe statement else { throw failure("\(name)") }
        return unsafe Statement(takingOver: prepared, name: name, path: path)
    }

    /// Runs statements separated by semicolons and ignores their rows. Only for texts of this program.
    borrowing func execute(_ sql: String) throws(StoreError) {
        // SAFETY: no callback is given; SQLite copies the text.
        let result = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw failure(String(sql.prefix { $0 != "\n" && $0 != ";" }.prefix(40))) }
    }

    /// The integer in the first column of the first row; 0 when there is none.
    borrowing func integer(_ sql: String) throws(StoreError) -> Int64 {
        try prepare("integer", sql).first { (row) throws(StoreError) in row.integer(0) } ?? 0
    }

    /// The whole of one BLOB; nil when there is no such row. https://www.sqlite.org/c3ref/blob_open.html
    ///
    /// It is copied once, from SQLite's pages into the array: as a column of a row it would be put together in SQLite's
    /// memory first. Names are those of this program's own schema.
    borrowing func blob(table: String, column: String, row: Int64) throws(StoreError) -> [UInt8]? {
        try blob(table: table, column: column, row: row, start: 0..<Int(Int32.max)) { _, _ in [] }?.stretches.first
    }

    /// The byte count of one BLOB and stretches of it, all of one moment; nil when there is no such row.
    ///
    /// `others` is given the first stretch and the byte count, and says what else to read; what lies beyond the end is left
    /// out. Cost: to come to a stretch the chain of pages is followed, by the pointer map where they lie in order.
    borrowing func blob(
        table: String, column: String, row: Int64, start: Range<Int>, _ others: ([UInt8], Int) -> [Range<Int>]
    ) throws(StoreError) -> (byteCount: Int, stretches: [[UInt8]])? {
        var opened: OpaquePointer?
        // SAFETY: SQLite writes one pointer into the variable lent to it and copies the names.
        let result = unsafe sqlite3_blob_open(handle, "main", table, column, row, 0, &opened)
        // SAFETY: the handle is closed here only; closing a null one does nothing.
        defer { _ = unsafe sqlite3_blob_close(opened) }
        guard result == SQLITE_OK, let blob = unsafe opened else {
            // SQLITE_ERROR stands for a missing row too; what is missing besides a row is a fault.
            let error = failure("blob of \(table)")
            if result == SQLITE_ERROR,
                try integer("SELECT count(*) FROM \(table) WHERE rowid = \(row)") == 0
            {
                return nil
            }
            throw error
        }
        let byteCount = Int(unsafe sqlite3_blob_bytes(blob))
        var stretches: [[UInt8]] = []
        var ranges = [start]
        while stretches.count < ranges.count {
            let range = ranges[stretches.count].clamped(to: 0..<byteCount)
            var read = SQLITE_OK
            // SAFETY: SQLite writes exactly as many bytes as are asked for into a buffer of that capacity, or says that it
            // did not. A BLOB has fewer bytes than an Int32 counts.
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { target, count in
                if let start = target.baseAddress, !range.isEmpty {
                    read = unsafe sqlite3_blob_read(blob, start, Int32(range.count), Int32(range.lowerBound))
                }
                count = read == SQLITE_OK ? range.count : 0
            }
            guard read == SQLITE_OK else { throw failure("blob of \(table)") }
            stretches.append(bytes)
            if stretches.count == 1 { ranges += others(bytes, byteCount) }
        }
        return (byteCount, stretches)
    }

    /// Runs `body` in one transaction that has the write lock from its start; rolls back when it throws.
    borrowing func transaction<Value>(
        _ body: (borrowing Connection) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try execute("BEGIN IMMEDIATE")
        do {
            let value = try body(self)
            try execute("COMMIT")
            // A short read moves a read mark to the newest frame. Readers that may not write to the -shm can only use
            // marks that are there: without one they would wait for the next commit (SQLITE_READONLY_CANTINIT), with an
            // old one they would hold up checkpoints.
            _ = try? integer("PRAGMA user_version")
            return value
        } catch {
            // SQLite may have rolled back by itself (disk full); a failed COMMIT leaves the transaction open.
            // SAFETY: the handle is live.
            if unsafe sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// How many pages this connection wrote so far: in WAL mode, frames appended to the `-wal`.
    borrowing func writtenPageCount() -> Int {
        var current: Int32 = 0
        var highest: Int32 = 0
        // SAFETY: SQLite writes two ints into the variables lent to it.
        _ = unsafe sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0)
        return Int(UInt32(bitPattern: current))
    }

    /// One checkpoint. https://www.sqlite.org/c3ref/wal_checkpoint_v2.html
    ///
    /// Throws: `busy` when TRUNCATE met a reader; it has then done what PASSIVE does.
    borrowing func checkpoint(_ mode: CheckpointMode) throws(StoreError) -> (frameCount: Int, copiedFrameCount: Int) {
        var frames: Int32 = 0
        var copied: Int32 = 0
        // SAFETY: SQLite writes two ints into the variables lent to it; nil means all attached databases, here one.
        let result = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode.rawValue, &frames, &copied)
        guard result == SQLITE_OK else { throw failure("checkpoint") }
        if mode == .truncate { commitLog.logWasCut() }
        return (Int(frames), Int(copied))
    }

    private borrowing func failure(_ statement: String) -> StoreError {
        // SAFETY: the handle is live.
        unsafe StoreError(SQLiteFailure(of: handle, statement: statement), path: path)
    }

    /// The path as SQLite's URI: everything that could mean something in it is written as %HH.
    private static func uri(_ path: RawPath, _ parameters: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var text = "file:"
        for byte in path.bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text.append("%")
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return text + parameters
    }
}

/// How much of the `-wal` a checkpoint works through, and whom it waits for.
enum CheckpointMode: Sendable {
    /// Copies what no reader stands in the way of; waits for nobody.
    case passive
    /// Copies everything and cuts the `-wal` to nothing; waits for readers as long as the busy timeout says.
    case truncate

    var rawValue: Int32 {
        switch self {
        case .passive: SQLITE_CHECKPOINT_PASSIVE
        case .truncate: SQLITE_CHECKPOINT_TRUNCATE
        }
    }
}
