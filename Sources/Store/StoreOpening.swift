internal import Block
internal import Glibc
internal import Model
internal import Schema
internal import Syscalls

/// How a writer comes to its connection: directory, lock, database, schema.
enum StoreOpening {
    static let walFlags: Int32 = O_RDWR
    /// Nobody else should write; a shell that does all the same holds up a commit no longer than this.
    static let writeLockPatienceMilliseconds: Int32 = 2_000

    struct Opened: ~Copyable {
        let layout: StoreLayout
        let lock: StoreLock
        let connection: Connection
    }

    static func open(_ given: RawPath, create: Bool) throws(StoreError) -> Opened {
        let directory = try prepareDirectory(given, create: create)
        let layout = StoreLayout(directory: directory)
        if !create, !layout.database.exists { throw notAStore(directory) }
        let lock = try StoreLock(directory: directory)
        let isNew = try prepareDatabaseFile(layout, wasUsed: lock.found.heartbeat != nil)
        if !isNew { try checkBeforeWriting(layout) }
        let connection = try Connection.open(layout.database, mode: .write)
        connection.setBusyTimeout(milliseconds: writeLockPatienceMilliseconds)
        connection.keepWALFile()
        try bringUpToDate(connection, layout, create: create)
        return Opened(layout: layout, lock: lock, connection: connection)
    }

    static func notAStore(_ directory: RawPath) -> StoreError {
        StoreError(
            .notAStore, "there is no store here (no varve.db); `varved --store DIR` makes one, `--store` names another",
            path: directory)
    }

    private static func prepareDirectory(_ given: RawPath, create: Bool) throws(StoreError) -> RawPath {
        do throws(SyscallError) {
            if create, !given.exists {
                try Files.makeDirectories(given, mode: StoreLayout.directoryPermissions)
                // The umask must neither open nor close it.
                try Files.setPermissions(given, mode: StoreLayout.directoryPermissions)
            }
            let directory = try Files.realPath(given)
            guard try directory.status().kind == .directory else {
                throw SyscallError(call: "open", errno: ENOTDIR, subject: directory)
            }
            return directory
        } catch {
            let isMissing = error.errno == ENOENT && !create
            throw StoreError(
                error, otherwise: isMissing ? .notAStore : create ? .cannotCreate : .cannotRead,
                "the store's directory cannot be \(create ? "made" : "opened")", path: given)
        }
    }

    /// Makes the database file with its permissions when there is none. True: it is new.
    ///
    /// Throws: `corrupt` where the database is missing or empty although something was recorded into it.
    private static func prepareDatabaseFile(_ layout: StoreLayout, wasUsed: Bool) throws(StoreError) -> Bool {
        let status = try? layout.database.status()
        if let status, status.kind != .regular {
            throw StoreError(.notAStore, "varve.db is no regular file", path: layout.database)
        }
        guard (status?.byteCount ?? 0) == 0 else { return false }
        let walByteCount = (try? layout.wal.status())?.byteCount ?? 0
        guard walByteCount == 0, !wasUsed else {
            throw StoreError(
                .corrupt,
                "the database is \(status == nil ? "missing" : "empty") though events were recorded into it; "
                    + "bring it back from a copy, or move the directory away to start anew",
                path: layout.database)
        }
        do throws(SyscallError) {
            let file = try OwnedDescriptor.open(
                layout.database, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: StoreLayout.filePermissions)
            try file.close()
            for path in [layout.database, layout.alive] {
                try Files.setPermissions(path, mode: StoreLayout.filePermissions)
            }
        } catch {
            throw StoreError(error, otherwise: .cannotCreate, "the database cannot be made", path: layout.database)
        }
        return true
    }

    /// Looks at the file without touching it, so that a stranger's database is not even recovered.
    ///
    /// The `-wal` is not read here: beside one that is not empty, what looks wrong is left to the real opening.
    private static func checkBeforeWriting(_ layout: StoreLayout) throws(StoreError) {
        do throws(StoreError) {
            let connection = try Connection.open(layout.database, mode: .readImmutable)
            if try identify(connection) == .unfinished { return }
        } catch {
            let walByteCount = (try? layout.wal.status())?.byteCount ?? 0
            if walByteCount > 0, error.sqlite != nil { return }
            throw error
        }
    }

    enum Identity: Equatable {
        case store(version: Int64)
        /// An empty database: making the store was interrupted.
        case unfinished
    }

    /// Whose database it is.
    ///
    /// Throws: `notAStore` for another application's, `newerSchema`, `corrupt`.
    static func identify(_ connection: borrowing Connection) throws(StoreError) -> Identity {
        let application = try connection.integer("PRAGMA application_id")
        let version = try connection.integer("PRAGMA user_version")
        if application == 0, try connection.integer("SELECT count(*) FROM sqlite_schema") == 0 { return .unfinished }
        guard application == StoreSchema.applicationID else {
            throw StoreError(
                .notAStore, "an SQLite database, but not of Varve (application id \(application)); nothing was changed",
                path: connection.path)
        }
        guard version <= StoreSchema.currentVersion else {
            throw StoreError(
                .newerSchema(version),
                "the store has schema version \(version), this program knows \(StoreSchema.currentVersion); "
                    + "use a newer Varve, nothing was changed",
                path: connection.path)
        }
        return .store(version: version)
    }

    private static func bringUpToDate(
        _ connection: borrowing Connection, _ layout: StoreLayout, create: Bool
    ) throws(StoreError) {
        var version: Int64 = 0
        if case .store(let found) = try identify(connection) { version = found }
        if version == 0, !create { throw notAStore(layout.directory) }
        if version == 0 {
            // Both only take effect before the first table; secure_delete would write every freed page.
            try connection.execute("PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL")
        }
        try connection.execute(
            """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;
            PRAGMA secure_delete=OFF; PRAGMA cache_size=-4096; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;
            PRAGMA journal_size_limit=-1
            """)
        guard version < StoreSchema.currentVersion else { return }
        try connection.transaction { (connection) throws(StoreError) in
            for (index, migration) in StoreSchema.migrations.enumerated() where Int64(index) >= version {
                try connection.execute(migration)
            }
            try connection.execute(
                """
                PRAGMA application_id=\(StoreSchema.applicationID);
                PRAGMA user_version=\(StoreSchema.currentVersion)
                """)
            if version == 0 { try insertIdentity(connection) }
        }
        // The new schema is in the database file and durable before anything is recorded on it.
        _ = try connection.checkpoint(.truncate)
        do {
            try OwnedDescriptor.open(layout.directory, flags: O_RDONLY | O_DIRECTORY).sync()
        } catch {
            throw StoreError(error, otherwise: .cannotCreate, "the directory cannot be synced", path: layout.directory)
        }
    }

    private static func insertIdentity(_ connection: borrowing Connection) throws(StoreError) {
        var random = SystemRandomNumberGenerator()
        // RFC 9562 version 4: random, with 4 in the version's place and 10 in the variant's.
        let store = UUIDBytes(
            high: random.next() & ~0xF000 | 0x4000, low: random.next() & ~(3 << 62) | 2 << 62)
        let key = UUIDBytes(high: random.next(), low: random.next())
        let insert = try connection.prepare("insert identity", "INSERT INTO meta(key, value) VALUES (?, ?)")
        try insert.run([.text("store"), .bytes(store.bytes)])
        try insert.run([.text("machine_id"), .bytes(machineID.bytes)])
        try insert.run([.text("host_name"), .bytes(hostName)])
        try insert.run([.text("filter_key"), .bytes(key.bytes)])
        try insert.run([.text("created"), .integer(Clock.realtime().nanosecondsSinceEpoch)])
    }

    /// machine-id(5); zero where there is none, as in many containers.
    private static var machineID: UUIDBytes {
        let text = (try? Files.contents(of: RawPath("/etc/machine-id"), limit: 4_096)) ?? []
        return UUIDBytes(hexadecimal: text.prefix { $0 != UInt8(ascii: "\n") }) ?? .zero
    }

    private static var hostName: [UInt8] {
        let text = (try? Files.contents(of: RawPath("/proc/sys/kernel/hostname"), limit: 4_096)) ?? []
        return Array(text.prefix { $0 != UInt8(ascii: "\n") }.prefix(255))
    }
}

extension RawPath {
    /// True for anything of that name that can be seen.
    var exists: Bool { (try? status()) != nil }
}

extension SyscallError {
    /// There is nothing of that name.
    var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
}
