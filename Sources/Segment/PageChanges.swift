/// Which pages a rebase holds: those of a state that are not the same in an earlier one.
///
/// Cost: 4 bytes a page that changed, and the hashes, which are shared.
package struct PageChanges: Sendable {
    package let rebase: BaseImageHeader.Rebase
    /// Ascending.
    package let pages: [UInt32]
    /// Of all pages of the later state.
    package let hashes: PageHashes

    /// Parameters: `earlier` are the hashes of the state after commit `builtOn`, `hashes` those of the later one.
    package init(since earlier: PageHashes, builtOn: UInt64, to hashes: PageHashes) {
        pages = hashes.differing(from: earlier).filter { $0 <= hashes.pageCount }
        self.hashes = hashes
        rebase = BaseImageHeader.Rebase(
            builtOn: builtOn, state: earlier.state, pageCount: earlier.pageCount, heldPageCount: UInt32(pages.count))
    }
}
