package import Model

/// Looks into a database file that was restored; never into a watched one.
package enum DatabaseCheck {
    /// What `PRAGMA integrity_check` finds, at most twenty lines; none when it is sound.
    ///
    /// The file is opened read-only and immutable, so neither a `-wal` nor a `-shm` is made beside it.
    /// Throws: `notAStore` where it is no database that can be read without a key.
    package static func problems(_ path: RawPath) throws(StoreError) -> [String] {
        let connection = try Connection.open(path, mode: .readImmutable)
        // Each row is looked up in each index. Nobody else has the file, so it cannot become shorter under its mapping.
        try connection.execute("PRAGMA mmap_size=\(Int64.max); PRAGMA cache_size=-65536")
        var lines: [String] = []
        try connection.prepare("integrity check", "PRAGMA integrity_check(20)").forEachRow { (row) throws(StoreError) in
            lines.append(row.text(0))
        }
        return lines == ["ok"] ? [] : lines
    }
}
