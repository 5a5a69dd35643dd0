internal import CSQLite

extension SQLValue {
    /// A copy of a value that SQLite hands over. https://www.sqlite.org/c3ref/value_blob.html
    init(_ value: OpaquePointer?) {
        // SAFETY: the value lives for the call; the pointer is asked for before the length, as SQLite wants, and the bytes
        // are copied at once.
        switch unsafe sqlite3_value_type(value) {
        case SQLITE_INTEGER: self = unsafe .integer(sqlite3_value_int64(value))
        case SQLITE_FLOAT: self = unsafe .real(sqlite3_value_double(value))
        case SQLITE_TEXT: self = unsafe .text(Self.bytes(UnsafeRawPointer(sqlite3_value_text(value)), of: value))
        case SQLITE_BLOB: self = unsafe .blob(Self.bytes(sqlite3_value_blob(value), of: value))
        default: self = .null
        }
    }

    private static func bytes(_ start: UnsafeRawPointer?, of value: OpaquePointer?) -> [UInt8] {
        // SAFETY: the length is that of the form just asked for.
        guard let start = unsafe start else { return [] }
        let count = unsafe Int(sqlite3_value_bytes(value))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Hands the value over as a function's or a column's result.
    func give(to context: OpaquePointer?) {
        // SAFETY: the context is that of the call at hand; bytes are copied by SQLite before the call returns.
        switch self {
        case .null: unsafe sqlite3_result_null(context)
        case .integer(let number): unsafe sqlite3_result_int64(context, number)
        case .real(let number): unsafe sqlite3_result_double(context, number)
        case .text(let bytes): unsafe varve_sqlite3_result_text_copy(context, bytes, UInt64(bytes.count))
        case .blob(let bytes): unsafe varve_sqlite3_result_blob_copy(context, bytes, UInt64(bytes.count))
        }
    }

    /// The values of an IN, at most as many as a statement may well hold. https://www.sqlite.org/c3ref/vtab_in_first.html
    static func list(_ value: OpaquePointer?) throws(SQLTableError) -> [SQLValue] {
        var values: [SQLValue] = []
        var element: OpaquePointer?
        // SAFETY: SQLite writes one pointer to a value that lives until the next call.
        var result = unsafe sqlite3_vtab_in_first(value, &element)
        while result == SQLITE_OK, unsafe element != nil {
            guard values.count < maximumListCount else {
                throw SQLTableError("an IN of more than \(maximumListCount) values; join with the table instead")
            }
            unsafe values.append(SQLValue(element))
            result = unsafe sqlite3_vtab_in_next(value, &element)
        }
        guard result == SQLITE_OK || result == SQLITE_DONE else { throw SQLTableError("IN failed", code: result) }
        return values
    }

    private static let maximumListCount = 100_000
}
