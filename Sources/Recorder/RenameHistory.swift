/// The renames of directories that the kernel may have joined, to tell those whose end is in doubt.
///
/// While records wait, the kernel joins equal renames of one process and keeps the place of the first: a → b → a → b
/// arrives as a → b, b → a, which replayed ends at a. That needs a rename back to a place the directory was renamed from,
/// among records that waited together; so only then is the end in doubt and the kernel asked. Asking without need would be
/// wrong: it answers with the place of now, which is later than records still to be read.
///
/// Bounded: beyond `maximumCount` renames every further one counts as ambiguous.
struct RenameHistory {
    struct Place: Equatable {
        var parent: DirectoryTree.Index
        var name: [UInt8]

        init(parent: DirectoryTree.Index, name: RawSpan) {
            self.parent = parent
            // SAFETY: the buffer is lent for the call and only read.
            self.name = unsafe name.withUnsafeBytes { unsafe Array($0) }
        }

        init(parent: DirectoryTree.Index, name: [UInt8]) {
            self.parent = parent
            self.name = name
        }
    }

    /// The renames of one directory.
    private struct Sources {
        var places: [Place]
        /// How many events the batch held at the first of them.
        var firstEvent: Int
    }

    static let maximumCount = 4_096

    private var sources: [DirectoryTree.Index: Sources] = [:]
    private var count = 0
    /// Directories whose place has to be asked for.
    private(set) var ambiguous: Set<DirectoryTree.Index> = []

    /// True when nothing has to be asked for and no rename was noted since the queue was last empty.
    var isEmpty: Bool { count == 0 && ambiguous.isEmpty }

    /// Notes a rename. Parameter event: how many events the batch holds.
    ///
    /// Returns: since which event of the batch the directory's place is in doubt; nil where it is not.
    @discardableResult
    mutating func note(
        _ directory: DirectoryTree.Index, from source: Place, to target: Place, event: Int = 0
    ) -> Int? {
        count += 1
        let known = sources[directory]
        if count > Self.maximumCount || known?.places.contains(target) == true {
            if ambiguous.count < Self.maximumCount { ambiguous.insert(directory) }
            return known?.firstEvent ?? 0
        }
        sources[directory, default: Sources(places: [], firstEvent: event)].places.append(source)
        return nil
    }

    /// The place of a directory has to be asked for: what was noted contradicts itself.
    mutating func suspect(_ directory: DirectoryTree.Index) {
        if ambiguous.count < Self.maximumCount { ambiguous.insert(directory) }
    }

    /// The queue was seen empty between the readings before and those to come: records of the two cannot have been joined.
    mutating func beginPass() {
        guard count > 0 else { return }
        count = 0
        sources.removeAll(keepingCapacity: true)
    }

    /// The events so far are in another batch.
    mutating func beginBatch() {
        guard count > 0 else { return }
        for directory in sources.keys { sources[directory]?.firstEvent = 0 }
    }

    /// Everything that was in doubt has been asked for.
    mutating func removeAll() {
        beginPass()
        ambiguous.removeAll(keepingCapacity: true)
    }
}
