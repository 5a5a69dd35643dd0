extension StoreSchema {
    /// Version 4 adds up to when a database is known without a break. Columns are explained in README.md, "The store".
    static let v004 = """
        ALTER TABLE stream ADD COLUMN watched_until INTEGER;
        """
}
