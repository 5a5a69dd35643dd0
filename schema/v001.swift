extension StoreSchema {
    /// Version 1. Columns, units and invariants are explained in README.md, "The store".
    static let v001 = """
        CREATE TABLE meta(
            key TEXT NOT NULL PRIMARY KEY,
            value ANY NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE run(
            run INTEGER PRIMARY KEY,
            boot_id BLOB NOT NULL,
            started INTEGER NOT NULL,
            started_monotonic INTEGER NOT NULL,
            pid INTEGER NOT NULL,
            version TEXT NOT NULL,
            options TEXT NOT NULL,
            clean_end INTEGER
        ) STRICT;

        CREATE TABLE coverage(
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL,
            path BLOB NOT NULL,
            filesystem INTEGER NOT NULL,
            filesystem_type TEXT NOT NULL,
            mount_point BLOB NOT NULL,
            covered_from INTEGER NOT NULL,
            covered_to INTEGER
        ) STRICT;

        CREATE TABLE block(
            first_seq INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            level INTEGER NOT NULL,
            earliest INTEGER NOT NULL,
            latest INTEGER NOT NULL,
            mask_union INTEGER NOT NULL,
            first_instance INTEGER,
            last_instance INTEGER,
            next_instance INTEGER NOT NULL,
            fact_count INTEGER NOT NULL,
            filter_byte_count INTEGER NOT NULL,
            data BLOB NOT NULL
        ) STRICT;

        CREATE TABLE block_filter(
            first_seq INTEGER PRIMARY KEY,
            data BLOB NOT NULL
        ) STRICT;

        CREATE TABLE gap(
            id INTEGER PRIMARY KEY,
            run INTEGER,
            after_seq INTEGER NOT NULL,
            kind TEXT NOT NULL,
            missing_from INTEGER NOT NULL,
            missing_to INTEGER NOT NULL,
            count INTEGER,
            scope BLOB,
            cause TEXT NOT NULL
        ) STRICT;

        CREATE TABLE note(
            id INTEGER PRIMARY KEY,
            after_seq INTEGER NOT NULL,
            moment INTEGER NOT NULL,
            uid INTEGER,
            text TEXT NOT NULL
        ) STRICT;

        CREATE TABLE clock_step(
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL,
            moment INTEGER NOT NULL,
            step INTEGER NOT NULL,
            monotonic INTEGER NOT NULL
        ) STRICT;
        """
}
