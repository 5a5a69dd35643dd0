internal import Block
internal import Glibc
internal import Model
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
    /// A whole file that continues its stream gets the row that was lost; everything else without a row is removed. Rows
    /// without a file stay: `verify` and every restore name them. Cost: one directory listing a stream.
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
        let known = try knownNames(stream)
        let directory = files.directory(of: stream)
        for name in try Self.names(directory).sorted() where !known.contains(name) {
            let path = directory.appending(name.bytes)
            if try adopt(stream, name, path) {
                recovery.adoptedCount += 1
            } else {
                recovery.removedCount += 1
                try Self.remove(path)
            }
        }
    }

    private func knownNames(_ stream: UUIDBytes) throws(StoreError) -> Set<RawPath> {
        var names: Set<RawPath> = [RawPath(SegmentFiles.hashesName)]
        try connection.prepare(
            "known segments",
            "SELECT first_commit, last_commit FROM segment JOIN stream ON stream.id = stream WHERE uuid = ?"
        ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in
            names.insert(RawPath(SegmentFiles.name(first: row.count(0), last: row.count(1))))
        }
        try connection.prepare(
            "known base images", "SELECT commit_number FROM base_image JOIN stream ON stream.id = stream WHERE uuid = ?"
        ).forEachRow([.bytes(stream.bytes)]) { (row) throws(StoreError) in
            names.insert(RawPath(SegmentFiles.name(base: row.count(0))))
        }
        return names
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
            "SELECT hash FROM segment WHERE stream = \(id) ORDER BY first_commit DESC, last_commit DESC LIMIT 1"
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
