package import Block
internal import Glibc
package import Model
package import Segment
internal import Syscalls

/// What an archive keeps.
package struct ArchiveLimits: Hashable, Sendable {
    /// What `du` may say of the directory; the newest generation stays in any case.
    package var maxByteCount: UInt64?
    /// Generations that ended before are dropped.
    package var maxAgeNanoseconds: Int64?
    /// What its filesystem must still have free for unprivileged users.
    package var minFreeByteCount: UInt64

    package static let standardMaxAgeNanoseconds: Int64 = 7 * 86_400 * 1_000_000_000

    package init(
        maxByteCount: UInt64? = nil, maxAgeNanoseconds: Int64? = ArchiveLimits.standardMaxAgeNanoseconds,
        minFreeByteCount: UInt64 = 0
    ) {
        self.maxByteCount = maxByteCount
        self.maxAgeNanoseconds = maxAgeNanoseconds
        self.minFreeByteCount = minFreeByteCount
    }
}

/// Writes an archive's files. Every file is whole and durable when it gets its name.
///
/// No descriptor stays open between two calls, so the directory can be unmounted at any time. Nothing but `init` makes an
/// archive of a directory, and a generation's directory is made only beside the mark: what was unmounted is not written
/// to. Thread: one.
package struct ArchiveWriter: Sendable {
    package let directory: RawPath
    package let store: UUIDBytes
    private let storeFiles: SegmentFiles
    private let limits: ArchiveLimits
    /// Which files of each captured database each generation that is being written has.
    private var taken: [UInt64: [UUIDBytes: TakenFiles]] = [:]

    private struct TakenFiles {
        /// Of those that the store still had at the last look.
        var names: Set<[UInt8]> = []
        /// The directory did not change since, if its time is older than the look was.
        var modified = Instant.distantPast
        var lookedAt = Instant.distantPast
    }

    private static let coarseClockNanoseconds: Int64 = 1_000_000_000

    /// Opens the archive of a store; with `create` makes one of a directory that is empty or missing.
    ///
    /// Throws: `notAStore` where it is none, or another store's; `newerSchema`, `corrupt`; `cannotCreate`, `diskFull`.
    package init(
        directory given: RawPath, store: UUIDBytes, storeDirectory: RawPath, limits: ArchiveLimits, create: Bool
    ) throws(StoreError) {
        directory = try Self.prepare(given, create: create)
        self.store = store
        self.limits = limits
        storeFiles = SegmentFiles(store: storeDirectory)
        if create, !layout.mark.exists {
            let names = try? Files.names(in: directory).filter { $0.bytes != Array("lost+found".utf8) }
            guard names?.isEmpty == true else {
                throw StoreError(
                    .notAStore, "neither empty nor an archive of Varve: nothing was changed", path: directory)
            }
            try SegmentFiles.place(ArchiveMark(store: store, made: Clock.realtime()).bytes, at: layout.mark)
        }
        try checkMark()
    }

    package var layout: ArchiveLayout { ArchiveLayout(directory: directory) }

    private static func prepare(_ given: RawPath, create: Bool) throws(StoreError) -> RawPath {
        do throws(SyscallError) {
            if create, !given.exists {
                try Files.makeDirectories(given, mode: StoreLayout.directoryPermissions)
                try Files.setPermissions(given, mode: StoreLayout.directoryPermissions)
            }
            let directory = try Files.realPath(given)
            guard try directory.status().kind == .directory else {
                throw SyscallError(call: "open", errno: ENOTDIR, subject: directory)
            }
            return directory
        } catch {
            let isWrong = error.errno == ENOTDIR
            throw StoreError(
                error, otherwise: isWrong ? .notAStore : .cannotCreate, "the archive cannot be opened", path: given)
        }
    }

    /// Throws: `notAStore` where the mark is not there, or another store's; `corrupt`, `cannotRead`.
    package func checkMark() throws(StoreError) {
        guard try ArchiveReader.mark(layout).store == store else {
            throw StoreError(.notAStore, "the archive of another store: give each its own directory", path: directory)
        }
    }

    /// Throws: `diskFull` where less is free than must stay so, counting what is to be written.
    package func checkRoom(for byteCount: UInt64 = 0) throws(StoreError) {
        guard let available = (try? directory.filesystemStatus())?.availableByteCount else { return }
        guard available >= limits.minFreeByteCount &+ byteCount else {
            throw StoreError(.diskFull, "less than --min-free would be left free", path: directory)
        }
    }

    // MARK: Generations

    /// Makes the directory of the next generation; unfinished ones are removed.
    package mutating func beginGeneration() throws(StoreError) -> UInt64 {
        try checkMark()
        let numbers = try ArchiveReader.numbers(in: directory)
        for number in numbers where !layout.start(of: number).exists { try remove(number) }
        let number = (numbers.last ?? 0) + 1
        try makeDirectory(layout.generation(number))
        try makeDirectory(layout.files(of: number).directory(of: store))
        taken[number] = [:]
        return number
    }

    /// Goes on in a generation that is there: which files of captured databases it has is read from their names.
    package mutating func resume(_ number: UInt64) throws(StoreError) {
        taken = [number: [:]]
        for uuid in try streams(in: layout.generation(number)) where uuid != store {
            let names = try SegmentFiles.listing(of: layout.files(of: number).directory(of: uuid))
            taken[number]?[uuid] = TakenFiles(names: Set(Self.names(names)))
        }
    }

    package func beginBaseImage(_ header: BaseImageHeader, of number: UInt64) throws(StoreError) -> BaseImageFile {
        try checkRoom(for: UInt64(header.pageCount) &* UInt64(header.pageSize) / 4)
        return try layout.files(of: number).beginBaseImage(header)
    }

    /// The last step of a generation's beginning: from here on it is there.
    package mutating func write(_ start: ArchiveStart) throws(StoreError) {
        try SegmentFiles.place(start.bytes, at: layout.start(of: start.number))
        do {
            try SegmentFiles.syncDirectory(directory)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "it cannot be synced", path: directory)
        }
        taken = taken.filter { $0.key == start.number }
    }

    /// Throws: `diskFull`, `cannotWrite`, also where the generation's directory is not there any more.
    package func write(_ segment: EncodedSegment, to number: UInt64) throws(StoreError) {
        try checkRoom()
        let row = SegmentRow(segment.header, hash: segment.hash)
        try SegmentFiles.place(segment.bytes, at: layout.files(of: number).path(of: row))
    }

    package func write(_ until: ArchiveUntil, to number: UInt64) throws(StoreError) {
        try SegmentFiles.place(until.bytes, at: layout.until(of: number))
    }

    /// Removes a generation, its start first: what a crash leaves of it is unfinished.
    package mutating func remove(_ number: UInt64) throws(StoreError) {
        taken[number] = nil
        do throws(SyscallError) {
            try Files.removeTree(layout.start(of: number))
            try Files.removeTree(layout.generation(number))
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "it cannot be removed", path: layout.generation(number))
        }
    }

    /// Drops the oldest generations as the limits say, but for the newest that has a base image.
    ///
    /// Parameter ends: up to when each generation tells, oldest first. Returns: how many of them are gone.
    package mutating func enforce(_ ends: [(number: UInt64, end: Instant)], now: Instant) throws(StoreError) -> Int {
        var dropped = 0
        let oldest = limits.maxAgeNanoseconds.map { now.advanced(byNanoseconds: -max(0, $0)) }
        for (number, end) in ends.dropLast() {
            let isOld = oldest.map { end < $0 } ?? false
            guard isOld || isTooLarge else { break }
            try remove(number)
            dropped += 1
        }
        return dropped
    }

    /// Cost: one stat(2) a file.
    private var isTooLarge: Bool {
        limits.maxByteCount.map { DirectoryUsage.byteCount(of: directory) > $0 } ?? false
    }

    /// When a generation has grown enough that the next one should begin.
    package func isLarge(_ segmentByteCount: UInt64, base: UInt64) -> Bool {
        let usual = max(base, 64 << 20)
        return segmentByteCount > min(usual, limits.maxByteCount.map { max($0 / 4, 256 << 10) } ?? usual)
    }

    /// The same by its age, so that the oldest can be dropped some day.
    package func isOld(since begun: Instant, now: Instant) -> Bool {
        limits.maxAgeNanoseconds.map { begun.advanced(byNanoseconds: $0 / 2) < now } ?? false
    }

    // MARK: Files of captured databases

    /// Takes the files of captured databases that are new in the store into a generation.
    ///
    /// Files come before the rows that name them, so whatever the rows of a commit name is there when the commit is, unless
    /// retention was faster, or the files were joined: then the joined one is. Parameter previous: the generation that may have them
    /// already: a second name costs nothing. Throws: `diskFull`, `cannotWrite`, `cannotRead`.
    package mutating func takeFiles(
        into number: UInt64, previous: UInt64?, isEnding: () -> Bool = { false }
    ) throws(StoreError) {
        guard storeFiles.directory.exists else { return }
        for uuid in try streams(in: storeFiles.directory) where uuid != store {
            let source = storeFiles.directory(of: uuid)
            var seen = taken[number]?[uuid] ?? TakenFiles()
            let modified = (try? source.status())?.modified ?? .distantFuture
            guard
                seen.modified != modified
                    || seen.lookedAt < modified.advanced(byNanoseconds: Self.coarseClockNanoseconds)
            else { continue }
            let target = layout.files(of: number).directory(of: uuid)
            if !target.exists { try makeDirectory(target) }
            let before = previous.map { layout.files(of: $0).directory(of: uuid) }
            var lookedAt = Clock.realtime()
            var isChanged = false
            // What is gone when it is its turn was joined meanwhile; then what it was joined to is to be taken.
            for _ in 0..<Self.greatestListingCount {
                lookedAt = Clock.realtime()
                guard let names = try? SegmentFiles.listing(of: source) else { break }
                let present = Self.names(names)
                seen.names.formIntersection(present)
                var isAllThere = true
                for name in present where !seen.names.contains(name) {
                    guard !isEnding() else { return }
                    if try !take(name, from: source, or: before, to: target) { isAllThere = false }
                    seen.names.insert(name)
                    taken[number, default: [:]][uuid] = seen
                    isChanged = true
                }
                if isAllThere { break }
            }
            if isChanged { try sync(target) }
            (seen.modified, seen.lookedAt) = (modified, lookedAt)
            taken[number, default: [:]][uuid] = seen
        }
    }

    private static func names(_ listing: (segments: [(first: UInt64, last: UInt64)], bases: [UInt64])) -> [[UInt8]] {
        listing.segments.map { SegmentFiles.name(first: $0.first, last: $0.last) }
            + listing.bases.map { SegmentFiles.name(base: $0) }
    }

    private static let greatestListingCount = 8

    /// False where it is gone: it was pruned, and no state that is still to come names it, or joined.
    private func take(
        _ name: [UInt8], from source: RawPath, or before: RawPath?, to target: RawPath
    ) throws(StoreError) -> Bool {
        let path = target.appending(name)
        guard !path.exists else { return true }
        if let before, (try? Files.link(before.appending(name), to: path)) != nil { return true }
        try checkRoom()
        return try SegmentFiles.copy(source.appending(name), to: path)
    }

    private func streams(in directory: RawPath) throws(StoreError) -> [UUIDBytes] {
        do {
            return try Files.names(in: directory).compactMap { UUIDBytes(hexadecimal: $0.bytes) }
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be listed", path: directory)
        }
    }

    private func makeDirectory(_ path: RawPath) throws(StoreError) {
        do throws(SyscallError) {
            // Only below what is there: the directory above may be one that was unmounted.
            try Files.makeDirectory(path, mode: StoreLayout.directoryPermissions)
            try Files.setPermissions(path, mode: StoreLayout.directoryPermissions)
            if let parent = path.parent { try SegmentFiles.syncDirectory(parent) }
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "a directory of the archive cannot be made", path: path)
        }
    }

    private func sync(_ path: RawPath) throws(StoreError) {
        do {
            try SegmentFiles.syncDirectory(path)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "it cannot be synced", path: path)
        }
    }
}
