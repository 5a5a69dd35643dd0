package import Block
package import Model
internal import Syscalls

/// Reads a store without ever writing to it: beside a recorder, after one, on a copy, on read-only media.
///
/// Every call is one short read transaction, so no reader holds up the writer's checkpoints. Between two calls the
/// store may change: blocks are merged (same events, same `seq`, fewer blocks) and the oldest are pruned.
/// Thread: one at a time; each thread has its own.
package final class StoreReader {
    package let directory: RawPath
    package let origin: BlockOrigin
    package let filterKey: FilterKey
    let layout: StoreLayout
    /// How the files are read now.
    package private(set) var access: ReaderAccess
    private var connection: Connection

    /// How long a call tries again while a writer is just opening or recovering the database.
    private static let patienceNanoseconds: Int64 = 2_000_000_000

    /// Throws: `notAStore`, `newerSchema`, `corrupt`, `cannotRead`.
    package init(directory given: RawPath) throws(StoreError) {
        let directory = try Self.resolve(given)
        let layout = StoreLayout(directory: directory)
        guard layout.database.exists else { throw try Self.missing(layout) }
        try Self.refuseSpecialFiles(layout)
        let opened = try Self.patiently { () throws(StoreError) in try Opened(layout) }
        self.directory = directory
        self.layout = layout
        origin = opened.origin
        filterKey = opened.filterKey
        access = opened.access
        connection = opened.connection
    }

    /// Runs one read and makes sure that what it saw was whole.
    ///
    /// Without locks (`privateIndex`, `databaseOnly`) a writer that starts meanwhile could change pages under the
    /// read. It cannot do so without making the files that were missing, so they are looked for after the read; then
    /// the store is opened anew and read again.
    func read<Value>(_ body: (borrowing Connection) throws(StoreError) -> Value) throws(StoreError) -> Value {
        try Self.patiently { () throws(StoreError) -> Value in
            while true {
                let result: Result<Value, StoreError>
                do throws(StoreError) {
                    result = .success(try body(connection))
                } catch {
                    result = .failure(error)
                }
                guard access != .sharedMemory, ReaderAccess.choose(layout) != access else { return try result.get() }
                let opened = try Opened(layout)
                access = opened.access
                connection = opened.connection
            }
        }
    }

    /// Runs several short reads as one: what they see is of one moment.
    ///
    /// Where there is no shared memory each sees what is there then: only a writer that starts meanwhile could be noticed.
    package func readAtOnce<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        guard access == .sharedMemory else { return try body() }
        return try Self.patiently { () throws(StoreError) -> Value in
            try connection.execute("BEGIN")
            // Nothing was written, so there is nothing that could be lost.
            defer { try? connection.execute("ROLLBACK") }
            return try body()
        }
    }

    private struct Opened: ~Copyable {
        let access: ReaderAccess
        let origin: BlockOrigin
        let filterKey: FilterKey
        let connection: Connection

        init(_ layout: StoreLayout) throws(StoreError) {
            let access = ReaderAccess.choose(layout)
            let connection = try Connection.open(layout.database, mode: access.mode)
            connection.setBusyTimeout(milliseconds: 1_000)
            guard case .store = try StoreOpening.identify(connection) else {
                throw StoreOpening.notAStore(layout.directory)
            }
            (origin, filterKey) = try StoreState.identity(connection)
            self.access = access
            self.connection = connection
        }
    }

    private static func patiently<Value: ~Copyable>(
        _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let end = Clock.monotonic() &+ patienceNanoseconds
        while true {
            do throws(StoreError) {
                return try body()
            } catch {
                guard error.isTransient, Clock.monotonic() < end else { throw error }
                Clock.sleep(nanoseconds: 10_000_000)
            }
        }
    }

    private static func resolve(_ given: RawPath) throws(StoreError) -> RawPath {
        do {
            return try Files.realPath(given)
        } catch {
            if error.isMissing { throw StoreOpening.notAStore(given) }
            throw StoreError(error, otherwise: .cannotRead, "the store cannot be opened", path: given)
        }
    }

    /// Opening a FIFO would wait for its other end, perhaps for ever; a device might do anything.
    private static func refuseSpecialFiles(_ layout: StoreLayout) throws(StoreError) {
        for path in [layout.database, layout.wal, layout.sharedMemory] {
            guard let status = try? path.status(), status.kind != .regular else { continue }
            throw StoreError(.notAStore, "not a regular file, so this is no store", path: path)
        }
    }

    private static func missing(_ layout: StoreLayout) throws(StoreError) -> StoreError {
        do {
            let status = try layout.directory.status()
            guard status.kind == .directory else {
                return StoreError(
                    .notAStore, "not a directory; a store is the directory around varve.db", path: layout.directory)
            }
            _ = try layout.database.status()
        } catch {
            if error.isMissing { return StoreOpening.notAStore(layout.directory) }
            let owner = (try? layout.directory.status()).map {
                "; it belongs to user \($0.uid) and group \($0.gid): read it as that user or as a member of that group"
            }
            throw StoreError(
                error, otherwise: .cannotRead, "the store cannot be read\(owner ?? "")", path: layout.directory)
        }
        return StoreOpening.notAStore(layout.directory)
    }
}
