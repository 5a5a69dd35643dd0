/// The renames of directories since the notification queue was last empty, to tell those that may have been joined.
///
/// While records wait, the kernel joins equal renames of one process and keeps the place of the first: a → b → a → b
/// arrives as a → b, b → a, which replayed ends at a. That needs a rename back to a place the directory was renamed from,
/// so only then is the end in doubt and the kernel asked. Asking without need would be wrong: it answers with the place
/// of now, which is later than records still to be read.
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

    static let maximumCount = 4_096

    private var sources: [DirectoryTree.Index: [Place]] = [:]
    private var count = 0
    /// Directories whose place has to be asked for.
    private(set) var ambiguous: Set<DirectoryTree.Index> = []

    var isEmpty: Bool { count == 0 }

    mutating func note(_ directory: DirectoryTree.Index, from source: Place, to target: Place) {
        count += 1
        if count > Self.maximumCount || sources[directory]?.contains(target) == true {
            if ambiguous.count < Self.maximumCount { ambiguous.insert(directory) }
        } else {
            sources[directory, default: []].append(source)
        }
    }

    mutating func removeAll() {
        guard count > 0 else { return }
        count = 0
        sources.removeAll(keepingCapacity: true)
        ambiguous.removeAll(keepingCapacity: true)
    }
}
