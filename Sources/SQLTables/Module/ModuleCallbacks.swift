internal import CSQLite

/// The C side of every table: SQLite's callbacks, turned into calls of this program's objects.
///
/// No error leaves but as a result code with a message. https://www.sqlite.org/vtab.html
enum ModuleCallbacks {
    /// One for all tables; never changed after it was made.
    // SAFETY: it is written once, before SQLite sees it, and SQLite only reads it.
    nonisolated(unsafe) static let module: UnsafeMutablePointer<sqlite3_module> = unsafe make()

    private static func make() -> UnsafeMutablePointer<sqlite3_module> {
        // SAFETY: the memory is allocated for one module, initialized here, and lives as long as the process.
        let module = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        unsafe module.initialize(to: sqlite3_module())
        unsafe module.pointee.iVersion = 1
        // The same function for both makes the tables usable by mere mention and by CREATE VIRTUAL TABLE.
        unsafe module.pointee.xCreate = { unsafe ModuleCallbacks.connect($0, $1, $2, $3, $4, $5) }
        unsafe module.pointee.xConnect = unsafe module.pointee.xCreate
        unsafe module.pointee.xBestIndex = { unsafe ModuleCallbacks.chooseIndex($0, $1) }
        unsafe module.pointee.xDisconnect = { unsafe ModuleCallbacks.disconnect($0) }
        unsafe module.pointee.xDestroy = { unsafe ModuleCallbacks.disconnect($0) }
        unsafe module.pointee.xOpen = { unsafe ModuleCallbacks.open($0, $1) }
        unsafe module.pointee.xClose = { unsafe ModuleCallbacks.close($0) }
        unsafe module.pointee.xFilter = { unsafe ModuleCallbacks.filter($0, $2, $3, $4) }
        unsafe module.pointee.xNext = { unsafe ModuleCallbacks.next($0) }
        unsafe module.pointee.xEof = { unsafe ModuleCallbacks.withScan($0) { $0.isAtEnd ? 1 : 0 } }
        unsafe module.pointee.xColumn = { cursor, context, column in
            // SAFETY: the context is that of the call at hand.
            do {
                try unsafe ModuleCallbacks.withScan(cursor) { try unsafe $0.value(Int(column)).give(to: context) }
            } catch {
                // SAFETY: as above; SQLite copies the text.
                unsafe sqlite3_result_error(context, "\(error)", -1)
            }
            return SQLITE_OK
        }
        unsafe module.pointee.xRowid = { cursor, result in
            guard let result = unsafe result else { return SQLITE_MISUSE }
            unsafe result.pointee = ModuleCallbacks.withScan(cursor) { $0.rowID }
            return SQLITE_OK
        }
        unsafe module.pointee.xFindFunction = { _, count, name, function, _ in
            unsafe ModuleCallbacks.findFunction(count, name, function)
        }
        return unsafe module
    }

    private static func connect(
        _ database: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _ count: Int32,
        _ arguments: UnsafePointer<UnsafePointer<CChar>?>?,
        _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
        _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> Int32 {
        // SAFETY: the context is the retained module of the registration; SQLite hands over `count` C strings.
        guard let context = unsafe context, let result = unsafe result else { return SQLITE_MISUSE }
        let module = unsafe Unmanaged<TableModule>.fromOpaque(context).takeUnretainedValue()
        var words: [String] = []
        for index in 0..<Int(count) {
            if let word = unsafe arguments?[index] { unsafe words.append(String(cString: word)) }
        }
        do throws(SQLTableError) {
            let table = try module.table(Array(words.dropFirst(3)))
            let code = unsafe sqlite3_declare_vtab(database, module.kind.declaration)
            guard code == SQLITE_OK else { return code }
            // SAFETY: the memory is initialized before SQLite sees it, and freed in `disconnect` with its object.
            let memory = UnsafeMutablePointer<varve_vtab>.allocate(capacity: 1)
            unsafe memory.initialize(to: varve_vtab())
            unsafe memory.pointee.table = Unmanaged.passRetained(table).toOpaque()
            unsafe result.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab.self)
            return SQLITE_OK
        } catch {
            // SAFETY: SQLite frees what is put there.
            unsafe message?.pointee = SQLiteMemory.string(error.description)
            return error.code
        }
    }

    private static func disconnect(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> Int32 {
        // SAFETY: made in `connect`; SQLite uses it no more.
        guard let table = unsafe table else { return SQLITE_OK }
        let memory = unsafe UnsafeMutableRawPointer(table).assumingMemoryBound(to: varve_vtab.self)
        if let object = unsafe memory.pointee.table { unsafe Unmanaged<TableModule>.fromOpaque(object).release() }
        unsafe memory.deinitialize(count: 1)
        unsafe memory.deallocate()
        return SQLITE_OK
    }

    private static func object(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> TableModule? {
        // SAFETY: every table that SQLite hands over was made in `connect`.
        guard let table = unsafe table else { return nil }
        let memory = unsafe UnsafeMutableRawPointer(table).assumingMemoryBound(to: varve_vtab.self)
        return unsafe memory.pointee.table.map { unsafe Unmanaged<TableModule>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func chooseIndex(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?, _ information: UnsafeMutablePointer<sqlite3_index_info>?
    ) -> Int32 {
        // SAFETY: both live for the call.
        guard let module = unsafe object(table), let information = unsafe information else { return SQLITE_MISUSE }
        do throws(SQLTableError) {
            return try unsafe QueryPlan.choose(module, information)
        } catch {
            unsafe say(error, table)
            return error.code
        }
    }

    private static func open(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?,
        _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab_cursor>?>?
    ) -> Int32 {
        // SAFETY: the memory is initialized before SQLite sees it, and freed in `close` with its object.
        guard let module = unsafe object(table), let result = unsafe result else { return SQLITE_MISUSE }
        module.plannedColumns = nil
        let memory = UnsafeMutablePointer<varve_vtab_cursor>.allocate(capacity: 1)
        unsafe memory.initialize(to: varve_vtab_cursor())
        unsafe memory.pointee.cursor = Unmanaged.passRetained(RunningScan(module)).toOpaque()
        unsafe result.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
        return SQLITE_OK
    }

    private static func close(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        // SAFETY: made in `open`; SQLite uses it no more.
        guard let cursor = unsafe cursor else { return SQLITE_OK }
        let memory = unsafe UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: varve_vtab_cursor.self)
        if let object = unsafe memory.pointee.cursor { unsafe Unmanaged<RunningScan>.fromOpaque(object).release() }
        unsafe memory.deinitialize(count: 1)
        unsafe memory.deallocate()
        return SQLITE_OK
    }

    /// Calls `body` with the scan of a cursor. SQLite holds it meanwhile, so it need not be held for each row.
    @inline(__always)
    private static func withScan<Result>(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ body: (RunningScan) throws -> Result
    ) rethrows -> Result {
        // SAFETY: every cursor that SQLite hands over was made in `open` and is not closed.
        guard let cursor = unsafe cursor else { preconditionFailure("SQLite calls with a cursor") }
        let memory = unsafe UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: varve_vtab_cursor.self)
        return try unsafe Unmanaged<RunningScan>.fromOpaque(memory.pointee.cursor)._withUnsafeGuaranteedRef(body)
    }

    private static func filter(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ text: UnsafePointer<CChar>?, _ count: Int32,
        _ arguments: UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32 {
        // SAFETY: the text is the plan of `chooseIndex`; SQLite hands over `count` values that live for the call.
        unsafe report(cursor) {
            guard let text = unsafe text, let plan = unsafe QueryPlan(String(cString: text)),
                plan.terms.count == Int(count)
            else { throw SQLTableError("a plan that is not understood", code: SQLITE_INTERNAL) }
            var values: [[SQLValue]] = []
            for (index, term) in plan.terms.enumerated() {
                let value = unsafe arguments?[index]
                unsafe values.append(term.isList ? try SQLValue.list(value) : [SQLValue(value)])
            }
            try unsafe withScan(cursor) { try $0.start(plan, values) }
        }
    }

    private static func next(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        // SAFETY: as in `withScan`.
        unsafe report(cursor) { try unsafe withScan(cursor) { try $0.advance() } }
    }

    /// Runs `body`; an error becomes the table's message and a result code.
    private static func report(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ body: () throws -> Void
    ) -> Int32 {
        do {
            try body()
            return SQLITE_OK
        } catch {
            let failure = (error as? SQLTableError) ?? SQLTableError(error)
            // SAFETY: the table is alive while a cursor is.
            if let table = unsafe cursor?.pointee.pVtab { unsafe say(failure, table) }
            return failure.code
        }
    }

    /// Makes an error the message of a table, where SQLite looks for it.
    private static func say(_ error: SQLTableError, _ table: UnsafeMutablePointer<sqlite3_vtab>?) {
        // SAFETY: the table is alive; SQLite wants its old message freed and frees the new one.
        guard let table = unsafe table else { return }
        unsafe sqlite3_free(table.pointee.zErrMsg)
        unsafe table.pointee.zErrMsg = SQLiteMemory.string(error.description)
    }

    /// `op MATCH 'create,modify'` where no table took it over: SQLite calls match('create,modify', op).
    private static func findFunction(
        _ count: Int32, _ name: UnsafePointer<CChar>?,
        _ function: UnsafeMutablePointer<
            (@convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void)?
        >?
    ) -> Int32 {
        // SAFETY: SQLite hands over a C string and a place for the function.
        guard count == 2, let name = unsafe name, unsafe String(cString: name).lowercased() == "match" else { return 0 }
        unsafe function?.pointee = { context, _, arguments in
            // SAFETY: a function of two arguments is given two.
            let asked = unsafe SQLValue(arguments?[0])
            let operations = unsafe SQLValue(arguments?[1])
            do throws(SQLTableError) {
                unsafe (try OperationText.matches(operations, asked)).give(to: context)
            } catch {
                let text = error.description
                unsafe sqlite3_result_error(context, text, Int32(clamping: text.utf8.count))
            }
        }
        return 1
    }
}
