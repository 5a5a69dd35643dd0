extension StoreSchema {
    /// Version 3 adds watched databases. Columns are explained in README.md, "The store".
    static let v003 = """
        CREATE TABLE stream(
            id INTEGER PRIMARY KEY,
            uuid BLOB NOT NULL UNIQUE,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            birth INTEGER,
            page_size INTEGER NOT NULL,
            first_seen INTEGER NOT NULL,
            condition INTEGER NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;

        CREATE TABLE stream_path(
            id INTEGER PRIMARY KEY,
            stream INTEGER NOT NULL,
            path BLOB NOT NULL,
            UNIQUE(stream, path)
        ) STRICT;

        CREATE TABLE segment(
            id INTEGER PRIMARY KEY,
            stream INTEGER NOT NULL,
            level INTEGER NOT NULL,
            first_commit INTEGER NOT NULL,
            last_commit INTEGER NOT NULL,
            commit_count INTEGER NOT NULL,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL,
            is_anchored INTEGER NOT NULL,
            state_before INTEGER NOT NULL,
            state_after INTEGER NOT NULL,
            pages_before INTEGER NOT NULL,
            pages_after INTEGER NOT NULL,
            byte_count INTEGER NOT NULL,
            hash BLOB NOT NULL,
            previous_hash BLOB NOT NULL,
            UNIQUE(stream, first_commit)
        ) STRICT;

        CREATE TABLE base_image(
            id INTEGER PRIMARY KEY,
            stream INTEGER NOT NULL,
            commit_number INTEGER NOT NULL,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL,
            page_count INTEGER NOT NULL,
            state INTEGER NOT NULL,
            byte_count INTEGER NOT NULL,
            hash BLOB NOT NULL,
            UNIQUE(stream, commit_number)
        ) STRICT;

        CREATE TABLE capture_gap(
            id INTEGER PRIMARY KEY,
            stream INTEGER NOT NULL,
            run INTEGER,
            first_commit INTEGER NOT NULL,
            last_commit INTEGER NOT NULL,
            missed INTEGER,
            low INTEGER NOT NULL,
            high INTEGER NOT NULL,
            cause INTEGER NOT NULL
        ) STRICT;
        """
}
