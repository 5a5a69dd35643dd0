internal import CSQLite
internal import Model

/// One prepared SQL statement; finalized when its owner's life ends.
///
/// Thread: as its connection. Source: https://www.sqlite.org/c3ref/stmt.html
@safe
struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let name: StaticString
    private let path: RawPath

    /// Takes over a statement just prepared.
    init(takingOver handle: OpaquePointer, name: StaticString, path: RawPath) {
        unsafe self.handle = handle
        self.name = name
        self.path = path
    }

    deinit {
        // SAFETY: the handle came from sqlite3_prepare_v3 and is finalized here only.
        _ = unsafe sqlite3_finalize(handle)
    }

    /// Runs a statement that gives no rows.
    borrowing func run(_ values: [BoundValue] = []) throws(StoreError) {
        try bind(values)
        defer { reset() }
        while try step() {}
    }

    /// Runs the statement and hands over each row. `body` must not keep the row.
    borrowing func forEachRow(
        _ values: [BoundValue] = [], _ body: (borrowing Statement) throws(StoreError) -> Void
    ) throws(StoreError) {
        try bind(values)
        defer { reset() }
        while try step() { try body(self) }
    }

    /// The first row, nil when there is none.
    borrowing func first<Value>(
        _ values: [BoundValue] = [], _ body: (borrowing Statement) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        try bind(values)
        defer { reset() }
        return try step() ? try body(self) : nil
    }

    // MARK: Columns of the current row, 0-based

    borrowing func isNull(_ column: Int32) -> Bool {
        // SAFETY: the handle is live; SQLite answers NULL for a column that does not exist.
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    borrowing func integer(_ column: Int32) -> Int64 {
        // SAFETY: as in `isNull`; another type is converted, never trusted.
        unsafe sqlite3_column_int64(handle, column)
    }

    borrowing func optionalInteger(_ column: Int32) -> Int64? {
        isNull(column) ? nil : integer(column)
    }

    /// A number the schema keeps above or at zero; a damaged negative one reads as zero.
    borrowing func count<Number: FixedWidthInteger & UnsignedInteger>(_ column: Int32) -> Number {
        Number(clamping: integer(column))
    }

    /// A text as UTF-8, whatever the database's encoding; invalid sequences pass as they are.
    borrowing func textBytes(_ column: Int32) -> [UInt8] {
        // SAFETY: as in `bytes`; asking for the text first makes the length that of its UTF-8 form.
        guard let start = unsafe sqlite3_column_text(handle, column) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    borrowing func bytes(_ column: Int32) -> [UInt8] {
        // SAFETY: the pointer is asked for before the length, as SQLite wants, and stays valid until the next step;
        // the bytes are copied here.
        guard let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(handle, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    borrowing func optionalBytes(_ column: Int32) -> [UInt8]? {
        isNull(column) ? nil : bytes(column)
    }

    /// Text as valid UTF-8: what is not is replaced.
    borrowing func text(_ column: Int32) -> String {
        String(decoding: bytes(column), as: UTF8.self)
    }

    // MARK: Machinery

    private borrowing func bind(_ values: [BoundValue]) throws(StoreError) {
        for (position, value) in values.enumerated() {
            let index = Int32(clamping: position + 1)
            let result: Int32
            // SAFETY: the handle is live and reset; bytes and text are copied by SQLite before the call returns.
            switch value {
            case .null: result = unsafe sqlite3_bind_null(handle, index)
            case .integer(let number): result = unsafe sqlite3_bind_int64(handle, index, number)
            case .bytes(let bytes):
                result = unsafe varve_sqlite3_bind_blob_copy(handle, index, bytes, UInt64(bytes.count))
            case .utf8(let text):
                result = unsafe text.withUnsafeBytes { memory in
                    let start = unsafe memory.baseAddress?.assumingMemoryBound(to: CChar.self)
                    return unsafe varve_sqlite3_bind_text_copy(handle, index, start, UInt64(memory.count))
                }
            case .text(let text):
                result = unsafe varve_sqlite3_bind_text_copy(handle, index, text, UInt64(text.utf8.count))
            }
            guard result == SQLITE_OK else { throw failure() }
        }
    }

    /// True when there is a row.
    private borrowing func step() throws(StoreError) -> Bool {
        // SAFETY: the handle is live.
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure()
        }
    }

    /// Ends the statement's read transaction and lets go of what was bound.
    private borrowing func reset() {
        // SAFETY: the handle is live. The result repeats the last step's, which was reported.
        _ = unsafe sqlite3_reset(handle)
        _ = unsafe sqlite3_clear_bindings(handle)
    }

    private borrowing func failure() -> StoreError {
        // SAFETY: a live statement's connection is alive: closing waits for its statements (sqlite3_close_v2).
        unsafe StoreError(SQLiteFailure(of: sqlite3_db_handle(handle), statement: "\(name)"), path: path)
    }
}

extension SQLiteFailure {
    /// What the connection says about its last failed call. The connection must be alive.
    @safe
    init(of connection: OpaquePointer?, statement: String) {
        // SAFETY: SQLite answers SQLITE_NOMEM for a null connection; the text is copied at once.
        unsafe self.init(
            extendedCode: sqlite3_extended_errcode(connection),
            systemErrno: connection == nil ? 0 : sqlite3_system_errno(connection),
            message: String(cString: sqlite3_errmsg(connection)),
            statement: statement)
    }
}
