extension StoreSchema {
    /// Version 7 adds segments that were joined. Columns are explained in README.md, "The store".
    static let v007 = "ALTER TABLE segment ADD COLUMN chain_hash BLOB"
}
