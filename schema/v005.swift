extension StoreSchema {
    /// Version 5 adds base images that hold only what changed, and which operations a run recorded. Columns are explained in
    /// README.md, "The store".
    static let v005 = """
        ALTER TABLE base_image ADD COLUMN built_on INTEGER;
        ALTER TABLE run ADD COLUMN operations INTEGER;
        """
}
