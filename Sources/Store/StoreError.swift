internal import Glibc
package import Model
internal import Syscalls

/// What SQLite said about a failed call.
package struct SQLiteFailure: Hashable, Sendable {
    /// The extended result code; its low byte is the primary one. https://www.sqlite.org/rescode.html
    package var extendedCode: Int32
    /// `errno` of the system call behind it, 0 when there was none.
    package var systemErrno: Int32
    package var message: String
    /// The name this program gives the statement, never its text or its values.
    package var statement: String

    package init(extendedCode: Int32, systemErrno: Int32, message: String, statement: String) {
        self.extendedCode = extendedCode
        self.systemErrno = systemErrno
        self.message = message
        self.statement = statement
    }
}

/// Why something could not be done with a store. No error of this room has lost anything that was stored.
package struct StoreError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// No `varve.db`, a database of another application, or no SQLite database at all.
        case notAStore
        /// A newer program made it; the number is the version of its schema.
        case newerSchema(Int64)
        /// Another process has the writer's lock; its pid where it could be read.
        case heldByAnother(pid: Int32?)
        /// The directory or a file in it could not be made.
        case cannotCreate
        /// The store is there and may not or cannot be read.
        case cannotRead
        /// A write failed, and not for want of space.
        case cannotWrite
        /// The filesystem or the quota is full. Nothing of the attempt was stored; it may be repeated.
        case diskFull
        /// What SQLite found contradicts its format or this schema.
        case corrupt
        /// A lock was not free in time.
        case busy
        /// A block does not decode, does not match its hashes or does not follow the last one.
        case badBlock
    }

    package var code: Code
    /// What failed and, where there is one, the remedy.
    package var message: String
    package var path: RawPath?
    package var sqlite: SQLiteFailure?

    /// SQLITE_CONSTRAINT: a row contradicts another, and the same statement would fail again.
    package var isConstraint: Bool { sqlite.map { $0.extendedCode & 0xFF == 19 } ?? false }

    package init(_ code: Code, _ message: String, path: RawPath? = nil, sqlite: SQLiteFailure? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.sqlite = sqlite
    }

    /// A failed system call on a file of the store, judged by its error number.
    init(_ error: SyscallError, otherwise code: Code, _ message: String, path: RawPath) {
        let isFull = error.errno == ENOSPC || error.errno == EDQUOT
        self.init(isFull ? .diskFull : code, "\(message): \(SyscallError.text(of: error.errno))", path: path)
    }
}

extension StoreError: CustomStringConvertible {
    /// One line: the path, what failed, the remedy, and SQLite's own words where it spoke.
    package var description: String {
        var line = path.map { "\($0.lossyText): " } ?? ""
        line += message
        if let sqlite {
            line += " (SQLite \(sqlite.extendedCode) in \(sqlite.statement): \(sqlite.message)"
            if sqlite.systemErrno != 0 { line += "; \(SyscallError.text(of: sqlite.systemErrno))" }
            line += ")"
        }
        return line
    }
}

extension StoreError {
    /// A failed SQLite call, judged by its result codes. https://www.sqlite.org/rescode.html
    init(_ failure: SQLiteFailure, path: RawPath) {
        let isFull = failure.systemErrno == ENOSPC || failure.systemErrno == EDQUOT
        let code: Code
        let message: String
        switch failure.extendedCode & 0xFF {
        // SQLITE_FULL; other codes with such an errno come from the -shm file and from quotas.
        case 13: (code, message) = (.diskFull, "no space is left for the store")
        case _ where isFull: (code, message) = (.diskFull, "no space is left for the store")
        // SQLITE_NOTADB
        case 26: (code, message) = (.notAStore, "not an SQLite database")
        // SQLITE_CORRUPT
        case 11:
            (code, message) = (
                .corrupt, "the database is damaged or cut short; keep a copy of the directory before any repair"
            )
        // SQLITE_BUSY, SQLITE_LOCKED
        case 5, 6: (code, message) = (.busy, "another process holds a lock on the database")
        // SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH
        case 14, 3, 23: (code, message) = (.cannotRead, "the database cannot be opened")
        // SQLITE_READONLY
        case 8: (code, message) = (.cannotWrite, "the database may only be read")
        default: (code, message) = (.cannotWrite, "SQLite failed")
        }
        self.init(code, message, path: path, sqlite: failure)
    }

    /// A failure that a moment later may not happen: another process is just opening or recovering the database.
    var isTransient: Bool {
        guard let sqlite else { return false }
        switch sqlite.extendedCode {
        // SQLITE_BUSY_RECOVERY, SQLITE_BUSY, SQLITE_PROTOCOL, SQLITE_READONLY_RECOVERY, SQLITE_READONLY_CANTINIT
        case 261, 5, 15, 264, 1288: return true
        default: return false
        }
    }
}
