extension StoreSchema {
    /// Version 5 adds base images that hold only what changed. Columns are explained in README.md, "The store".
    static let v005 = """
        ALTER TABLE base_image ADD COLUMN built_on INTEGER;
        """
}
