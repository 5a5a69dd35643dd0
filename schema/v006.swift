extension StoreSchema {
    /// Version 6 adds which paths a run left out. Columns are explained in README.md, "The store".
    static let v006 = "ALTER TABLE run ADD COLUMN exclusions BLOB"
}
