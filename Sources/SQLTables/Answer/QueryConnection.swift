internal import CSQLite
internal import Glibc
internal import Model
internal import Query

/// An SQLite connection of its own that holds nothing but the tables of a store, for one question.
///
/// It can only read: its authorizer refuses everything but SELECT. Thread: one, but for `interrupt`.
@safe
final class QueryConnection {
    private let handle: OpaquePointer

    /// Throws: `SQLTableError`.
    init(_ session: SQLSession) throws(SQLTableError) {
        var opened: OpaquePointer?
        // SAFETY: SQLite writes one pointer into the variable lent to it; also after a failure it must be closed.
        let result = unsafe sqlite3_open_v2(
            ":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, nil)
        guard result == SQLITE_OK, let connection = unsafe opened else {
            _ = unsafe sqlite3_close_v2(opened)
            throw SQLTableError("SQLite cannot be started", code: result)
        }
        unsafe handle = connection
        // What sorting and grouping need beyond this goes to a temporary file.
        // SAFETY: the handle is live; no callback is given.
        _ = unsafe sqlite3_exec(handle, "PRAGMA temp_store=FILE; PRAGMA cache_size=-16384", nil, nil, nil)
        _ = unsafe varve_sqlite3_db_config_switch(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
        try unsafe TableRegistry.register(on: handle, session)
        // To SQLite a table that is mentioned for the first time is a statement that makes it: that is over with before the
        // authorizer comes.
        for kind in TableKind.all { _ = try prepare(Array("SELECT 1 FROM \(kind.name)".utf8)) }
        // SAFETY: no context is given; the function lives as long as the process.
        _ = unsafe sqlite3_set_authorizer(
            handle,
            { _, action, first, _, _, _ in unsafe QueryConnection.isAllowed(action, first) ? SQLITE_OK : SQLITE_DENY },
            nil)
    }

    deinit {
        // SAFETY: closed here only.
        _ = unsafe sqlite3_close_v2(handle)
    }

    /// Reading, and asking which tables and columns there are.
    private static func isAllowed(_ action: Int32, _ first: UnsafePointer<CChar>?) -> Bool {
        switch action {
        case SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_RECURSIVE: return true
        case SQLITE_PRAGMA:
            // SAFETY: SQLite hands over a C string.
            guard let first = unsafe first else { return false }
            let known = ["table_info", "table_xinfo", "table_list", "module_list", "function_list", "compile_options"]
            return unsafe known.contains(String(cString: first).lowercased())
        default: return false
        }
    }

    /// Prepares the one statement of `sql`.
    ///
    /// Throws: `SQLTableError` for what SQLite refuses, for none, for several, and for one that is no question.
    func prepare(_ sql: [UInt8]) throws(SQLTableError) -> QueryStatement {
        guard !sql.contains(0) else { throw SQLTableError("a query holds no NUL") }
        var statement: OpaquePointer?
        var rest = 0
        // SAFETY: SQLite reads as many bytes as it is told, writes one pointer to a statement and one into the text.
        let result = unsafe sql.withUnsafeBytes { bytes -> Int32 in
            let text = unsafe bytes.bindMemory(to: CChar.self).baseAddress
            var tail: UnsafePointer<CChar>?
            let result = unsafe sqlite3_prepare_v3(handle, text, Int32(clamping: bytes.count), 0, &statement, &tail)
            if let text = unsafe text, let tail = unsafe tail { rest = unsafe tail - text }
            return result
        }
        guard result != SQLITE_AUTH else { throw Self.refusal }
        guard result == SQLITE_OK else { throw failure(result) }
        guard let prepared = unsafe statement else { throw SQLTableError("which query? it is empty") }
        let question = unsafe QueryStatement(takingOver: prepared, self)
        let isBlank = sql[min(rest, sql.count)...].allSatisfy { $0 <= 0x20 || $0 == UInt8(ascii: ";") }
        guard isBlank else { throw SQLTableError("one query at a time; what follows the first ';' was not asked") }
        // SAFETY: the statement is live.
        guard unsafe sqlite3_stmt_readonly(prepared) != 0, question.columnCount > 0 else {
            throw Self.refusal
        }
        return question
    }

    private static var refusal: SQLTableError {
        SQLTableError("only questions can be asked: SELECT, WITH, VALUES, EXPLAIN")
    }

    fileprivate func failure(_ code: Int32) -> SQLTableError {
        // SAFETY: the handle is live; the text is copied at once.
        unsafe SQLTableError(String(cString: sqlite3_errmsg(handle)), code: code)
    }

    /// Lets Ctrl-C end the statement that runs; a second one ends the program.
    func endOnInterrupt() {
        // SAFETY: the handler is installed after the pointer was set, and sqlite3_interrupt may be called from a handler
        // while the connection is open, which it is as long as the program runs.
        unsafe InterruptTarget.connection = handle
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in
            if let connection = unsafe InterruptTarget.connection { unsafe sqlite3_interrupt(connection) }
        }
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        unsafe sigaction(SIGINT, &action, nil)
    }
}

/// What the handler of SIGINT ends.
private enum InterruptTarget {
    // SAFETY: written once, before the handler is installed.
    nonisolated(unsafe) static var connection: OpaquePointer?
}

/// A question that was understood. https://www.sqlite.org/c3ref/stmt.html
@safe
final class QueryStatement {
    private let handle: OpaquePointer
    private let connection: QueryConnection

    init(takingOver handle: OpaquePointer, _ connection: QueryConnection) {
        unsafe self.handle = handle
        self.connection = connection
    }

    deinit {
        // SAFETY: the handle came from sqlite3_prepare_v3 and is finalized here only.
        _ = unsafe sqlite3_finalize(handle)
    }

    /// True when there is a row. Throws: `SQLTableError`.
    func step() throws(SQLTableError) -> Bool {
        // SAFETY: the handle is live.
        let result = unsafe sqlite3_step(handle)
        switch result {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw connection.failure(result)
        }
    }

    var columnCount: Int {
        // SAFETY: the handle is live.
        unsafe Int(sqlite3_column_count(handle))
    }

    func name(_ column: Int) -> String {
        // SAFETY: the handle is live; the text is copied at once.
        unsafe sqlite3_column_name(handle, Int32(column)).map { unsafe String(cString: $0) } ?? ""
    }

    /// Writes the value as a field, without a copy of its own: `SELECT *` has some forty columns, and command lines are long.
    func write(_ column: Int, to csv: inout CSVWriter) {
        let number = Int32(column)
        // SAFETY: the handle is live, and a value lives until the next step; the pointer is asked for before the length, as SQLite
        // wants, and the bytes are copied at once.
        switch unsafe sqlite3_column_type(handle, number) {
        case SQLITE_NULL: csv.empty()
        case SQLITE_INTEGER: unsafe csv.field(integer: sqlite3_column_int64(handle, number))
        case SQLITE_TEXT:
            let start = unsafe UnsafeRawPointer(sqlite3_column_text(handle, number))
            unsafe csv.field(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, number))))
        default: csv.field(SQLRowPrinter.text(value(column)))
        }
    }

    func value(_ column: Int) -> SQLValue {
        // SAFETY: the value lives until the next step and is copied at once.
        unsafe SQLValue(sqlite3_column_value(handle, Int32(column)))
    }
}
