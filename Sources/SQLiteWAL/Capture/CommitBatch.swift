/// Commits that one look found, in their order, in little memory.
///
/// A busy log is full of versions of a few pages, each a little different from the one before. Of a page that was in an
/// earlier commit of the batch only the words are kept that changed, so that what waits for its writers' names, or for a
/// segment, takes a small part of its pages.
package struct CommitBatch: Sendable {
    package struct Entry: Sendable {
        /// `bytes` is empty, but for a commit that is alone: then they are its pages.
        package var commit: WALCommit
        package var proof: CommitProof
        /// Bytes.
        package var pageSize: Int
    }

    package private(set) var entries: [Entry] = []
    /// For each page a head of two bytes, then the whole page or its changes.
    private var packed: [UInt8] = []

    /// A page's head: its low bits say how many stretches of changed words follow, or `whole`.
    private static let whole: UInt16 = 0x7FFF
    /// The head's top bit: a later version is stored as changes to this one.
    private static let isWantedLater: UInt16 = 0x8000
    private static let wordByteCount = 8
    /// So much is compared at once where most is the same; divides every page size.
    private static let compareByteCount = 256
    /// With the heads of its two arrays.
    private static let entryByteCount = MemoryLayout<Entry>.stride + 64

    /// What it takes of memory.
    package private(set) var byteCount = 0

    /// Where the newest version of a page is.
    private struct Version {
        var commit: Int
        var offset: Int
        /// Of its head in `packed`.
        var head: Int
    }

    /// Parameter commits: none that was too large to be held. Cost: one comparison with the version before for each page.
    package init(_ commits: [(commit: WALCommit, proof: CommitProof)]) {
        defer {
            byteCount = entries.reduce(packed.count) {
                $0 + Self.entryByteCount + $1.commit.bytes.count + $1.commit.pages.count * MemoryLayout<UInt32>.stride
            }
        }
        entries.reserveCapacity(commits.count)
        if commits.count == 1, let (commit, proof) = commits.first {
            let size = commit.pages.isEmpty ? 0 : commit.bytes.count / commit.pages.count
            entries.append(Entry(commit: commit, proof: proof, pageSize: size))
            return
        }
        var newest: [UInt32: Version] = [:]
        for (number, (commit, proof)) in commits.enumerated() {
            let size = commit.pages.isEmpty ? 0 : commit.bytes.count / commit.pages.count
            for (index, page) in commit.pages.enumerated() {
                let new = Version(commit: number, offset: index * size, head: packed.count)
                // SAFETY: the span does not outlive the array, which is only read.
                let contents = unsafe commit.bytes.span.bytes.extracting(new.offset..<new.offset + size)
                if let old = newest.updateValue(new, forKey: page), entries[old.commit].pageSize == size {
                    let earlier = commits[old.commit].commit.bytes
                    // SAFETY: as above.
                    let before = unsafe earlier.span.bytes.extracting(old.offset..<old.offset + size)
                    if appendChanges(from: before, to: contents) {
                        packed[old.head + 1] |= UInt8(Self.isWantedLater >> 8)
                        continue
                    }
                }
                append(Self.whole)
                packed.append(contentsOf: contents)
            }
            var kept = commit
            kept.bytes = []
            entries.append(Entry(commit: kept, proof: proof, pageSize: size))
        }
    }

    /// False, and nothing appended, where they are hardly less than the whole page.
    private mutating func appendChanges(from old: RawSpan, to new: RawSpan) -> Bool {
        let start = packed.count
        let limit = start + new.byteCount / 2
        let wordCount = new.byteCount / Self.wordByteCount
        func isChanged(_ word: Int) -> Bool {
            old.littleWord(at: word * Self.wordByteCount) != new.littleWord(at: word * Self.wordByteCount)
        }
        append(0)
        var stretchCount: UInt16 = 0
        var word = 0
        while word < wordCount {
            let part = word * Self.wordByteCount..<word * Self.wordByteCount + Self.compareByteCount
            if part.lowerBound % Self.compareByteCount == 0, new.extracting(part).isEqual(to: old.extracting(part)) {
                word += Self.compareByteCount / Self.wordByteCount
                continue
            }
            guard isChanged(word) else {
                word += 1
                continue
            }
            // One word that is the same costs no more than another stretch.
            var end = word + 1
            while end < wordCount, isChanged(end) || end + 1 < wordCount && isChanged(end + 1) { end += 1 }
            append(UInt16(word))
            append(UInt16(end - word))
            packed.append(contentsOf: new.extracting(word * Self.wordByteCount..<end * Self.wordByteCount))
            stretchCount += 1
            word = end
            guard packed.count <= limit else {
                packed.removeSubrange(start...)
                return false
            }
        }
        packed[start] = UInt8(truncatingIfNeeded: stretchCount)
        packed[start + 1] = UInt8(stretchCount >> 8)
        return true
    }

    private mutating func append(_ number: UInt16) {
        packed.append(UInt8(truncatingIfNeeded: number))
        packed.append(UInt8(number >> 8))
    }

    /// Gives each commit with its pages as they were, in order.
    package func forEach(_ body: (WALCommit, CommitProof) -> Void) {
        // SAFETY: the span does not outlive the array, which is only read.
        let source = unsafe packed.span.bytes
        var versions: [UInt32: [UInt8]] = [:]
        var position = 0
        for entry in entries {
            var commit = entry.commit
            let size = entry.pageSize
            guard commit.bytes.isEmpty else {
                body(commit, entry.proof)
                continue
            }
            commit.bytes.reserveCapacity(commit.pages.count * size)
            for page in commit.pages {
                let head = source.nativeHalf(at: position)
                position += 2
                let count = head & ~Self.isWantedLater
                if count == Self.whole {
                    commit.bytes.append(contentsOf: source.extracting(position..<position + size))
                    position += size
                } else {
                    guard let before = versions[page] else { preconditionFailure("no version to change") }
                    let start = commit.bytes.count
                    commit.bytes += before
                    for _ in 0..<count {
                        let target = start + Int(source.nativeHalf(at: position)) * Self.wordByteCount
                        let byteCount = Int(source.nativeHalf(at: position + 2)) * Self.wordByteCount
                        let changed = source.extracting(position + 4..<position + 4 + byteCount)
                        commit.bytes.overwrite(at: target, with: changed)
                        position += 4 + byteCount
                    }
                }
                if head & Self.isWantedLater != 0 {
                    versions[page] = commit.pages.count == 1 ? commit.bytes : Array(commit.bytes.suffix(size))
                } else {
                    versions[page] = nil
                }
            }
            body(commit, entry.proof)
        }
    }
}

extension [UInt8] {
    /// Traps where `bytes` reach beyond the end.
    fileprivate mutating func overwrite(at offset: Int, with bytes: RawSpan) {
        precondition(offset >= 0 && offset + bytes.byteCount <= count, "outside of the page")
        // SAFETY: both buffers are used within the calls, and the target lies within its own by the check above.
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { target in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + source.count])
                    .copyMemory(from: source)
            }
        }
    }
}
