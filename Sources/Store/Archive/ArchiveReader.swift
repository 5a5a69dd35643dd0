package import Block
package import Model
internal import Segment
internal import Syscalls

/// Something in an archive that is not as it should be.
package struct ArchiveDamage: Hashable, Sendable {
    package var path: RawPath
    package var problem: String

    package init(_ path: RawPath, _ problem: String) {
        self.path = path
        self.problem = problem
    }

    init(_ error: StoreError, path: RawPath) {
        self.init(error.path ?? path, error.message)
    }
}

/// A generation of an archive: a base image of the store and the segments that continue it.
package struct ArchiveGeneration: Sendable {
    package let number: UInt64
    package let start: ArchiveStart
    package let files: SegmentFiles
    package let base: BaseImageRow
    /// In order, each where the one before ends; what lies behind a missing one is left out.
    package let segments: [SegmentRow]
    /// No commit came after the last one before this moment; nil where that is not known.
    package let until: Instant?

    package var lastCommit: UInt64 { segments.last?.lastCommit ?? base.commit }
    package var lastHash: EventsHash { segments.last?.hash ?? EventsHash(high: 0, low: 0) }
    package var state: UInt64 { segments.last?.stateAfter ?? base.state }
    package var pageCount: UInt32 { segments.last?.pagesAfter ?? base.pageCount }
    /// When the last commit was surely there.
    package var lastHigh: Instant { segments.last?.high ?? base.high }
    /// Up to when the state of the store is known.
    package var end: Instant { max(lastHigh, until ?? lastHigh) }
    package var byteCount: UInt64 { base.byteCount + segments.reduce(0) { $0 &+ $1.byteCount } }

    /// The segments that lead from the base image to a commit; nil where the generation does not hold it.
    package func way(to commit: UInt64) -> [SegmentRow]? {
        guard commit >= base.commit, commit <= lastCommit else { return nil }
        return segments.filter { $0.firstCommit <= commit }
    }
}

/// An archive, read without writing to it. Damage of one generation keeps nobody from reading the others.
package struct ArchiveReader: Sendable {
    package let directory: RawPath
    package let mark: ArchiveMark
    /// Those that have a base image, oldest first.
    package private(set) var generations: [ArchiveGeneration] = []
    /// What was found wrong on the way; whole files are not read.
    package private(set) var damages: [ArchiveDamage] = []
    /// Of all generations that were finished, also damaged ones, in order.
    private var numbers: [UInt64] = []

    /// Cost: the header, index and footer of each file of the store in it.
    /// Throws: `notAStore` where it is no archive, `newerSchema`, `corrupt`, `cannotRead`.
    package init(directory given: RawPath) throws(StoreError) {
        do throws(SyscallError) {
            directory = try Files.realPath(given)
        } catch {
            throw StoreError(
                error, otherwise: error.isMissing ? .notAStore : .cannotRead, "the archive cannot be opened",
                path: given)
        }
        let layout = ArchiveLayout(directory: directory)
        mark = try Self.mark(layout)
        for number in try Self.numbers(in: directory) {
            // Not finished, or being removed.
            guard layout.start(of: number).exists else { continue }
            let damageCount = damages.count
            let generation = read(number, layout)
            guard layout.start(of: number).exists else {
                // It was removed during the look, which is no damage.
                damages.removeLast(damages.count - damageCount)
                continue
            }
            numbers.append(number)
            if let generation { generations.append(generation) }
        }
    }

    /// The generation that further commits can go to: the newest, where neither it nor a newer one is damaged.
    ///
    /// What is written behind a damaged file could not be reached; `readNewest` looks deeper than `init`.
    package var continuable: ArchiveGeneration? {
        guard let last = generations.last else { return nil }
        let layout = ArchiveLayout(directory: directory)
        let newest = numbers.filter { $0 >= last.number }.map(layout.generation)
        return damages.contains { damage in newest.contains { damage.path.isAtOrUnder($0) } } ? nil : last
    }

    /// Up to when each generation tells at most, oldest first and up to the newest that can be read; a damaged one cannot
    /// say it, and ended before the next one began.
    package var ends: [(number: UInt64, end: Instant)] {
        var ends: [(number: UInt64, end: Instant)] = []
        var next: Instant?
        for number in numbers.reversed() {
            let generation = generations.last { $0.number == number }
            guard let end = generation?.end ?? next else { continue }
            ends.append((number, end))
            next = generation?.base.high ?? next
        }
        return ends.reversed()
    }

    static func mark(_ layout: ArchiveLayout) throws(StoreError) -> ArchiveMark {
        guard layout.mark.exists else {
            throw StoreError(
                .notAStore, "no archive of Varve (no file `archive`); if it is to be mounted there, it is not",
                path: layout.directory)
        }
        return try located(layout.mark) { () throws(StoreError) in
            try ArchiveMark(try contents(layout.mark, ArchiveMark.byteCount))
        }
    }

    /// The numbers of all generations, also unfinished ones, in order.
    static func numbers(in directory: RawPath) throws(StoreError) -> [UInt64] {
        do {
            return try Files.names(in: directory).compactMap { SegmentFiles.number($0.bytes) }.sorted()
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be listed", path: directory)
        }
    }

    private mutating func read(_ number: UInt64, _ layout: ArchiveLayout) -> ArchiveGeneration? {
        do throws(StoreError) {
            let start = try Self.located(layout.start(of: number)) { () throws(StoreError) in
                try ArchiveStart(try Self.contents(layout.start(of: number), ArchiveStart.maximumByteCount))
            }
            guard start.number == number, start.store == mark.store else {
                throw StoreError(.corrupt, "it is another generation's", path: layout.start(of: number))
            }
            let files = layout.files(of: number)
            // Before the look at the segments: it is written after those that it tells of.
            let until = until(layout.until(of: number))
            let names = try SegmentFiles.listing(of: files.directory(of: mark.store))
            guard let name = names.bases.first, names.bases.count == 1 else {
                throw StoreError(
                    .corrupt, "\(names.bases.count) base images of the store", path: files.directory(of: mark.store))
            }
            let reader = try BaseImageReader(
                nil, path: files.directory(of: mark.store).appending(SegmentFiles.name(base: name)))
            let header = reader.index.header
            guard header.stream == mark.store, header.commit == name, header.rebase == nil else {
                throw StoreError(.corrupt, "the base image is another one's", path: reader.path)
            }
            let base = BaseImageRow(
                header, state: reader.index.state, byteCount: reader.byteCount, hash: reader.index.hash)
            let segments = segments(names.segments, base, files)
            let last = segments.last?.lastCommit ?? base.commit
            if let until, until.commit > last {
                damages.append(
                    ArchiveDamage(layout.until(of: number), "commits \(last + 1) to \(until.commit) are missing"))
            }
            return ArchiveGeneration(
                number: number, start: start, files: files, base: base, segments: segments,
                until: until?.commit == last ? until?.moment : nil)
        } catch {
            damages.append(ArchiveDamage(error, path: layout.generation(number)))
            return nil
        }
    }

    /// The segments as far as each continues the one before.
    private mutating func segments(
        _ names: [(first: UInt64, last: UInt64)], _ base: BaseImageRow, _ files: SegmentFiles
    ) -> [SegmentRow] {
        var rows: [SegmentRow] = []
        var hash = EventsHash(high: 0, low: 0)
        var (last, state, pageCount) = (base.commit, base.state, base.pageCount)
        for name in names {
            let path = files.directory(of: base.stream).appending(SegmentFiles.name(first: name.first, last: name.last))
            do throws(StoreError) {
                let row = try SegmentFile.row(path)
                guard row.stream == base.stream, row.firstCommit == name.first, row.lastCommit == name.last,
                    row.commitCount > 0
                else { throw StoreError(.corrupt, "the segment is not the one that its name means", path: path) }
                guard row.firstCommit == last + 1 else {
                    throw StoreError(.corrupt, "what lies between commit \(last) and it is missing", path: path)
                }
                guard row.isAnchored, row.previousHash == hash, row.stateBefore == state, row.pagesBefore == pageCount
                else { throw StoreError(.corrupt, "it does not continue the one before it", path: path) }
                rows.append(row)
                (hash, last, state, pageCount) = (row.hash, row.lastCommit, row.stateAfter, row.pagesAfter)
            } catch {
                damages.append(ArchiveDamage(error, path: path))
                return rows
            }
        }
        return rows
    }

    /// Nil where there is none; a damaged one says less than it should.
    private mutating func until(_ path: RawPath) -> ArchiveUntil? {
        guard path.exists else { return nil }
        do throws(StoreError) {
            return try ArchiveUntil(try Self.contents(path, ArchiveUntil.byteCount))
        } catch {
            damages.append(ArchiveDamage(error, path: path))
            return nil
        }
    }

    private static func contents(_ path: RawPath, _ limit: Int) throws(StoreError) -> [UInt8] {
        do {
            let file = try OwnedDescriptor.open(path, flags: SegmentFile.openFlags)
            return try file.readToEnd(limit: limit + 1)
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be read", path: path)
        }
    }

    private static func located<Value>(
        _ path: RawPath, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        do {
            return try body()
        } catch {
            throw StoreError(error.code, error.message, path: error.path ?? path)
        }
    }
}

extension ArchiveReader {
    /// Reads every file of the store in the newest generation; what is wrong with one is then among the damages.
    ///
    /// Cost: all their bytes; nothing more once `isEnding` says so.
    package mutating func readNewest(isEnding: () -> Bool) {
        guard let last = generations.last else { return }
        for path in [last.files.path(of: last.base)] + last.segments.map({ last.files.path(of: $0) }) {
            guard !isEnding() else { return }
            do throws(StoreError) {
                try last.files.verify(fileAt: path, of: mark.store)
            } catch {
                damages.append(ArchiveDamage(error, path: path))
            }
        }
    }

    /// Reads every file of every generation and says what is wrong; a file with several names is read once.
    ///
    /// Cost: all bytes of the archive.
    package func verify() -> (fileCount: Int, damages: [ArchiveDamage]) {
        var found = damages
        var fileCount = 0
        var seen: Set<UInt64> = []
        for generation in generations {
            let damageCount = found.count
            // What is removed during the look is no damage.
            defer {
                if !ArchiveLayout(directory: directory).start(of: generation.number).exists {
                    found.removeLast(found.count - damageCount)
                }
            }
            for stream in (try? Files.names(in: generation.files.directory)) ?? [] {
                guard let uuid = UUIDBytes(hexadecimal: stream.bytes) else { continue }
                let directory = generation.files.directory(of: uuid)
                let names: (segments: [(first: UInt64, last: UInt64)], bases: [UInt64])
                do throws(StoreError) {
                    names = try SegmentFiles.listing(of: directory)
                } catch {
                    found.append(ArchiveDamage(error, path: directory))
                    continue
                }
                let paths =
                    names.bases.map { directory.appending(SegmentFiles.name(base: $0)) }
                    + names.segments.map { directory.appending(SegmentFiles.name(first: $0.first, last: $0.last)) }
                for path in paths {
                    if let status = try? path.status(), status.linkCount > 1, !seen.insert(status.inode).inserted {
                        continue
                    }
                    fileCount += 1
                    do throws(StoreError) {
                        try generation.files.verify(fileAt: path, of: uuid)
                    } catch {
                        let damage = ArchiveDamage(error, path: path)
                        if !found.contains(damage) { found.append(damage) }
                    }
                }
            }
        }
        return (fileCount, found)
    }
}
