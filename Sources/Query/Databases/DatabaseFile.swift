internal import Model
internal import Segment
internal import Store
internal import Syscalls

/// A database that is being restored: a file beside the one that is asked for, which it becomes when it is whole.
///
/// When its life ends before that, it is removed. Thread: one.
struct DatabaseFile: ~Copyable {
    private let file: NewFile

    /// Where it is until it is placed.
    var path: RawPath { file.path }

    /// Throws: as `NewFile`.
    init(target: RawPath) throws {
        file = try NewFile(target: target)
    }

    /// Writes a base image and plays over it what leads to a commit; every commit's state is checked.
    ///
    /// Throws: `StoreError`, `SegmentError`, `SyscallError`.
    func restore(
        _ files: SegmentFiles, _ way: DatabaseWay, to commit: UInt64
    ) throws {
        let base = try files.open(way.base)
        // Of that time: outside of WAL mode the page size of a database can change.
        var pages = FilePages(try file.descriptor.duplicate(), pageSize: Int(base.index.header.pageSize))
        // In bytes as they are stored, of which reading is most of the time.
        let progress = ProgressLine()
        var done: UInt64 = 0
        let total = way.steps.reduce(way.base.byteCount) { $0 &+ $1.byteCount }
        var failure: (any Error)?
        let hashes = try base.hashes { page, bytes in
            progress?.update { (done, total) }
            done = way.base.byteCount / UInt64(max(1, way.base.pageCount)) &* UInt64(page)
            guard failure == nil else { return }
            do { try pages.write(page, bytes) } catch { failure = error }
        }
        if let failure { throw failure }
        try pages.resize(to: hashes.pageCount)
        var player = try SegmentPlayer(hashes: hashes, commit: way.base.commit)
        done = way.base.byteCount
        for step in way.steps {
            progress?.update { (done, total) }
            done &+= step.byteCount
            try player.play(step, of: files, upTo: commit, into: &pages)
        }
        guard player.commit == commit else {
            throw SegmentError(.notContiguous, "the segments end at commit \(player.commit)")
        }
        try pages.finish()
    }

    /// Gives it its name. Throws: as `NewFile.place`.
    consuming func place() throws {
        try file.place()
    }
}

/// The pages of a database in a file. Writes are gathered where they follow one another.
private final class FilePages: PageStore {
    /// How much is gathered. A large write makes large folios, and ext4 looks at every block of a folio whenever a page of it
    /// is written later: after writes of 1 MiB a page took seven times as long as after these (Linux 6.18).
    private static let gatheredByteCount = 32 << 10

    private let file: OwnedDescriptor
    private let pageSize: Int
    private var pageCount: UInt32 = 0
    private var pending: [UInt8] = []
    private var pendingFirst: UInt32 = 0

    init(_ file: consuming OwnedDescriptor, pageSize: Int) {
        self.file = file
        self.pageSize = pageSize
    }

    private func offset(_ page: UInt32) -> Int64 { Int64(page - 1) * Int64(pageSize) }

    func page(_ number: UInt32) throws -> [UInt8]? {
        guard number > 0, number <= pageCount else { return nil }
        try writeOut()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pageSize)
        let count = try file.read(upTo: pageSize, at: offset(number), appendingTo: &bytes)
        return count == pageSize ? bytes : nil
    }

    func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) throws {
        let next = UInt64(pendingFirst) + UInt64(pending.count / pageSize)
        if pending.isEmpty || UInt64(number) != next || pending.count >= Self.gatheredByteCount {
            try writeOut()
            pendingFirst = number
        }
        pending.append(contentsOf: bytes)
        pageCount = max(pageCount, number)
    }

    func resize(to count: UInt32) throws {
        if count < pageCount {
            try writeOut()
            try file.truncate(to: Int64(count) * Int64(pageSize))
        }
        pageCount = count
    }

    /// The lock page is written by nobody, so the end may lie beyond what was. Nobody waits for the device yet: `place` does,
    /// and meanwhile SQLite looks at the file.
    func finish() throws {
        try writeOut()
        try file.truncate(to: Int64(pageCount) * Int64(pageSize))
        file.beginWritingBack()
    }

    private func writeOut() throws {
        guard !pending.isEmpty else { return }
        try file.write(pending, at: offset(pendingFirst))
        pending.removeAll(keepingCapacity: true)
    }
}
