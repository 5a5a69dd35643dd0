extension StoreSchema {
    /// Version 2 adds where containers see what. Columns are explained in README.md, "The store".
    static let v002 = """
        CREATE TABLE container_mount(
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL,
            container BLOB NOT NULL,
            host_path BLOB NOT NULL,
            container_path BLOB NOT NULL,
            is_own INTEGER NOT NULL,
            seen INTEGER NOT NULL
        ) STRICT;
        """
}
