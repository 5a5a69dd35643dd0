import Segment

extension CapturedCommit {
    /// A transaction that makes the database smaller may also have written pages that it cut off.
    mutating func leaveOutPagesBeyondTheEnd() {
        guard let last = pages.last, last > databasePageCount else { return }
        let size = bytes.count / pages.count
        let kept = pages.prefix { $0 <= databasePageCount }.count
        pages.removeSubrange(kept...)
        bytes.removeSubrange((kept * size)...)
    }
}
