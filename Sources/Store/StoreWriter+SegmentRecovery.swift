internal import Block
internal import Glibc
internal import Model
internal import Schema
internal import Segment
internal import Syscalls

/// What a start found below `segments/` that no row named.
package struct SegmentRecovery: Hashable, Sendable {
    /// Files taken in: they continue their streams.
    package var adoptedCount = 0
    /// Files removed.
    package var removedCount = 0

    package init() {}
}

extension StoreWriter {
    /// Brings files and rows together after a crash; to be called once before anything is captured.
    ///
    /// A whole file that continues its stream gets the row that was lost; a joined one takes the place of the rows that it
    /// stands for; everything else without a row is removed. Rows without a file stay: `verify` and every restore name them.
    /// Cost: one directory listing a stream.
    package mutating func recoverSegments() throws(StoreError) -> SegmentRecovery {
        var recovery = SegmentRecovery()
        let files = SegmentFiles(store: directory)
        guard files.directory.exists else { return recovery }
        guard Self.isToBeFollowed(files.directory) else {
            throw StoreError(
                .corrupt, "another user's link in the place of the directory of segments; nothing was changed",
                path: files.directory)
        }
        for name in try Self.names(files.directory) {
            let uuid = UUIDBytes(hexadecimal: name.bytes)
            let path = files.directory.appending(name.bytes)
            guard let uuid, try isKnown(uuid), Self.isToBeFollowed(path) else {
                // Whose rows never came: nothing refers to it. Of a link the link itself goes.
                recovery.removedCount += 1
                try Self.remove(path)
                continue
            }
            try recover(uuid, files, &recovery)
        }
        return recovery
    }

    private func isKnown(_ stream: UUIDBytes) throws(StoreError) -> Bool {
        try connection.prepare("stream", "SELECT 1 FROM stream WHERE uuid = ?")
            .first([.bytes(stream.bytes)]) { (_) throws(StoreError) in true } ?? false
    }

    private mutating func recover(
        _ stream: UUIDBytes, _ files: SegmentFiles, _ recovery: inout SegmentRecovery
    ) throws(StoreError) {
        var known = try knownNames(stream)
        let directory = files.directory(of: stream)
        let names = try Self.names(directory).sorted()
        for name in names where !known.contains(name) {
            if try exchange(stream, name, directory.appending(name.bytes)) { recovery.adoptedCount += 1 }
        }
        if recovery.adoptedCount > 0 {
            known = try knownNames(stream)
            // What was joined goes below.
            try sync()
        }
        let lacking = try segmentNumbers(stream).filter { first, last in
            !names.contains(RawPath(SegmentFiles.name(first: first, last: last)))
        }
        for name in names where !known.contains(name) {
            let path = directory.appending(name.bytes)
            // Of a state from an archive some rows may be there whose files were joined with later ones.
            if let (first, last) = SegmentFiles.numbers(ofSegment: name.bytes),
                lacking.contains(where: { $0.first >= first && $0.last <= last }),
                (try? SegmentFile.row(path))?.chainHash != nil
            {
                continue
            }
            if try adopt(stream, name, path) {
                recovery.adoptedCount += 1
            } else {
                recovery.removedCount += 1
                try Self.remove(path)
            }
        }
    }

    /// First and last commits of the segments that rows name.
    private func segmentNumbers(_ stream: UUIDBytes) throws(StoreError) -> [(first: UInt64, last: UInt64)] {
        var numbers: [(first: UInt64, last: UInt64)] = []
        try connection.prepare(
            "known segments",
            "SELECT first_commit, last_commit FROM segment JOIN stream ON stream.id = stream WHERE uuid = ?"
        ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in
            numbers.append((row.count(0), row.count(1)))
        }
        return numbers
    }

    private func knownNames(_ stream: UUIDBytes) throws(StoreError) -> Set<RawPath> {
        var names: Set<RawPath> = [RawPath(SegmentFiles.hashesName)]
        for (first, last) in try segmentNumbers(stream) {
            names.insert(RawPath(SegmentFiles.name(first: first, last: last)))
        }
        try connection.prepare(
            "known base images", "SELECT commit_number FROM base_image JOIN stream ON stream.id = stream WHERE uuid = ?"
        ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in
            names.insert(RawPath(SegmentFiles.name(base: row.count(0))))
        }
        return names
    }

    /// Puts a joined segment in the place of the rows that it stands for: the recorder ended before it could, or the store is
    /// from an archive that took the joined file alone.
    private mutating func exchange(
        _ stream: UUIDBytes, _ name: RawPath, _ path: RawPath
    ) throws(StoreError) -> Bool {
        guard name.lossyText.hasSuffix(SegmentFiles.segmentSuffix), let row = Self.segmentRow(path),
            row.chainHash != nil, row.stream == stream,
            name == RawPath(SegmentFiles.name(first: row.firstCommit, last: row.lastCommit))
        else { return false }
        var sources: [SegmentRow] = []
        try connection.prepare(
            "rows of a joined segment",
            """
            SELECT \(SegmentRow.columns(schemaVersion: StoreSchema.currentVersion))
            FROM segment JOIN stream ON stream.id = segment.stream
            WHERE stream.uuid = ? AND first_commit >= ? AND last_commit <= ? ORDER BY first_commit, last_commit
            """
        ).forEachRow([.bytes(stream.bytes), .count(row.firstCommit), .count(row.lastCommit)]) {
            (found) throws(StoreError) in
            if let source = SegmentRow(found) { sources.append(source) }
        }
        guard let first = sources.first, let last = sources.last, sources.count > 1,
            first.firstCommit == row.firstCommit, last.lastCommit == row.lastCommit,
            zip(sources, sources.dropFirst()).allSatisfy({ $0.lastCommit + 1 == $1.firstCommit }),
            first.previousHash == row.previousHash, last.chain == row.chain, first.stateBefore == row.stateBefore,
            last.stateAfter == row.stateAfter
        else { return false }
        try connection.transaction { (connection) throws(StoreError) in
            try Self.exchange(SegmentJoin(row, of: sources), connection)
        }
        return true
    }

    /// Segments sort by their first commit, so each finds the row of the one before it.
    private mutating func adopt(_ stream: UUIDBytes, _ name: RawPath, _ path: RawPath) throws(StoreError) -> Bool {
        let last = try lastPosition(stream)
        if name.lossyText.hasSuffix(SegmentFiles.segmentSuffix) {
            guard let row = Self.segmentRow(path), row.stream == stream, row.previousHash == last.hash,
                row.firstCommit == last.commit &+ 1,
                name == RawPath(SegmentFiles.name(first: row.firstCommit, last: row.lastCommit))
            else { return false }
            try connection.transaction { (connection) throws(StoreError) in try Self.insert(row, connection) }
            return true
        }
        guard name.lossyText.hasSuffix(SegmentFiles.baseSuffix),
            let reader = try? BaseImageReader(nil, path: path), reader.index.header.stream == stream,
            reader.index.header.commit >= last.commit,
            name == RawPath(SegmentFiles.name(base: reader.index.header.commit))
        else { return false }
        let row = BaseImageRow(
            reader.index.header, state: reader.index.state, byteCount: reader.byteCount, hash: reader.index.hash)
        // Beyond the last commit something is missing whose gap row was lost: that is for whoever captures to say.
        guard row.commit == last.commit else { return false }
        try connection.transaction { (connection) throws(StoreError) in try Self.insert(row, connection) }
        return true
    }

    /// The last commit that a row accounts for, and the hash of the last segment.
    private func lastPosition(_ stream: UUIDBytes) throws(StoreError) -> (commit: UInt64, hash: EventsHash) {
        let id = "(SELECT id FROM stream WHERE uuid = ?1)"
        let commit =
            try connection.prepare(
                "last commit",
                """
                SELECT max(coalesce((SELECT max(last_commit) FROM segment WHERE stream = \(id)), 0),
                    coalesce((SELECT max(last_commit) FROM capture_gap WHERE stream = \(id)), 0),
                    coalesce((SELECT max(commit_number) FROM base_image WHERE stream = \(id)), 0))
                """
            ).first([.bytes(stream.bytes)]) { (row) throws(StoreError) -> UInt64 in row.count(0) } ?? 0
        let hash = try connection.prepare(
            "last segment",
            "SELECT coalesce(chain_hash, hash) FROM segment WHERE stream = \(id) ORDER BY first_commit DESC, last_commit DESC LIMIT 1"
        ).first([.bytes(stream.bytes)]) { (row) throws(StoreError) in EventsHash(row.bytes(0)) }
        return (commit, (hash ?? nil) ?? EventsHash(high: 0, low: 0))
    }

    /// The row of a whole, undamaged segment file; nil for anything else.
    private static func segmentRow(_ path: RawPath) -> SegmentRow? {
        guard let bytes = try? Files.contents(of: path, limit: 1 << 30),
            let header = try? SegmentHeader(bytes), let hash = try? SegmentIndex.hash(ofFile: bytes, header)
        else { return nil }
        return SegmentRow(header, hash: hash)
    }

    /// What lies below is removed where nothing refers to it, so a link of somebody else's, in a store that is not the
    /// writer's own, must not say where that is.
    private static func isToBeFollowed(_ path: RawPath) -> Bool {
        guard let status = try? path.status(followingLinks: false) else { return false }
        return status.kind != .symbolicLink || status.uid == geteuid()
    }

    private static func names(_ directory: RawPath) throws(StoreError) -> [RawPath] {
        do {
            return try Files.names(in: directory)
        } catch {
            throw StoreError(error, otherwise: .cannotRead, "it cannot be listed", path: directory)
        }
    }

    private static func remove(_ path: RawPath) throws(StoreError) {
        do {
            try Files.removeTree(path)
        } catch {
            throw StoreError(error, otherwise: .cannotWrite, "a leftover cannot be removed", path: path)
        }
    }
}
