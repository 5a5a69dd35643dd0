/// The pages that differ between two states of a database.
package struct ChangedPages {
    /// Ascending, each once.
    package private(set) var numbers: [UInt32]
    /// Nothing can be relied on to be the same, as when the page size changed.
    package private(set) var areAll = false
    private var members: Set<UInt32>

    /// Keeps of `candidates` the pages whose bytes differ.
    ///
    /// Cost: reads each candidate on both sides. Nil for `candidates` compares all pages.
    init(among candidates: [UInt32]?, from before: PagedDatabase, to after: PagedDatabase) throws(PagesError) {
        numbers = []
        members = []
        guard before.source.pageSize == after.source.pageSize, before.usableByteCount == after.usableByteCount,
            before.pageCount > 0, after.pageCount > 0
        else {
            areAll = true
            return
        }
        let last = max(before.pageCount, after.pageCount)
        for number in candidates.map({ Array(Set($0)).sorted() }) ?? Array(1...last) where number >= 1 && number <= last
        {
            // A page that only one of them has is changed; the lock-byte page has no content.
            if number == before.lockBytePage { continue }
            if number <= before.pageCount, number <= after.pageCount,
                try before.page(number) == after.page(number)
            {
                continue
            }
            numbers.append(number)
        }
        members = Set(numbers)
    }

    package func contains(_ number: UInt32) -> Bool {
        areAll || members.contains(number)
    }
}
