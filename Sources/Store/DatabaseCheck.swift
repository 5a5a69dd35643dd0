package import Model

/// Looks into a database file that was restored; never into a watched one.
package enum DatabaseCheck {
    /// What `PRAGMA integrity_check` finds, at most twenty lines; none when it is sound.
    ///
    /// The file is opened read-only and immutable, so neither a `-wal` nor a `-shm` is made beside it.
    /// Throws: `notAStore` where it is no database that can be read without a key.
    package static func problems(_ path: RawPath) throws(StoreError) -> [String] {
        let connection = try Connection.open(path, mode: .readImmutable)
        var lines: [String] = []
        try connection.prepare("integrity check", "PRAGMA integrity_check(20)").forEachRow { (row) throws(StoreError) in
            lines.append(row.text(0))
        }
        return lines == ["ok"] ? [] : lines
    }
}
