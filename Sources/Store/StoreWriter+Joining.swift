internal import Block
internal import Model
internal import Segment
internal import Syscalls

/// Segments that take the place of others.
extension StoreWriter {
    /// Puts the row of a joined segment in the place of those it was made of; nothing where one of them is not there any more,
    /// since retention was faster, or where a base image begins in between, from which history is to be read.
    static func exchange(_ join: SegmentJoin, _ connection: borrowing Connection) throws(StoreError) {
        let isAcross =
            try connection.prepare(
                "base images within a segment",
                """
                SELECT 1 FROM base_image WHERE stream = (SELECT id FROM stream WHERE uuid = ?)
                    AND commit_number >= ? AND commit_number < ?
                """
            ).first([.bytes(join.row.stream.bytes), .count(join.row.firstCommit), .count(join.row.lastCommit)]) {
                (_) throws(StoreError) in true
            } ?? false
        guard !isAcross else { return }
        for source in join.sources {
            guard try holds(source, connection) else { return }
        }
        for source in join.sources {
            try connection.prepare(
                "delete joined segment",
                "DELETE FROM segment WHERE stream = (SELECT id FROM stream WHERE uuid = ?) AND first_commit = ? AND hash = ?"
            ).run(values(source))
        }
        try insert(join.row, connection)
    }

    private static func holds(_ row: SegmentRow, _ connection: borrowing Connection) throws(StoreError) -> Bool {
        try connection.prepare(
            "find segment",
            "SELECT 1 FROM segment WHERE stream = (SELECT id FROM stream WHERE uuid = ?) AND first_commit = ? AND hash = ?"
        ).first(values(row)) { (_) throws(StoreError) in true } ?? false
    }

    private static func values(_ row: SegmentRow) -> [BoundValue] {
        [.bytes(row.stream.bytes), .count(row.firstCommit), .bytes(row.hash.bytes)]
    }

    /// After the transaction: files of joins that no row names are to go, once that is on the disk, since a loss of power would
    /// bring their rows back.
    mutating func noteNeedlessFiles(of joins: [SegmentJoin]) {
        let files = SegmentFiles(store: directory)
        for join in joins {
            // A joined segment may have been joined itself since. What cannot be found out now, the next start finds out.
            for row in join.sources + [join.row] where (try? Self.holds(row, connection)) == false {
                needlessFiles.append(files.path(of: row))
            }
        }
    }

    /// What was noted is on the disk.
    mutating func removeNeedlessFiles() {
        for path in needlessFiles { try? Files.unlink(path) }
        needlessFiles = []
    }
}
