internal import Block
internal import Model

/// The directories whose names tell of what lies below the ones asked for: those that were renamed into them, out of them,
/// or that they were called themselves.
///
/// What is in a directory that was moved here is in the record under the names that it had before.
struct RenamedDirectories {
    private static let maximumCount = 64
    private static let maximumRoundCount = 16

    private(set) var directories: [RawPath]
    private var isWhole = true

    /// Matches every event that tells of names below the directories: what happens in them, and to those above them, for
    /// what lies below a renamed directory has another path without an event of its own.
    var paths: [Glob] {
        get throws {
            try directories.map { Glob(under: $0) } + Set(directories.flatMap(\.ancestors)).sorted().map(Self.exactly)
        }
    }

    /// The same for a forest of those events.
    var places: FollowedPlaces { FollowedPlaces(directories) }

    /// What an answer about these directories may miss: where there were more than are followed.
    var reasons: [Completeness.Reason] {
        isWhole ? [] : [.unread("not all of the directories that were renamed are followed; ask for one further down")]
    }

    /// Looks through the renames of the selection's range. Cost: as long as some rename is new, a scan for renames at the
    /// directories and above them. Throws: as the scan does.
    init(_ question: Question, _ selection: Selection, of asked: [RawPath]) throws {
        directories = asked
        for round in 0... {
            let known = directories
            var renames = Selection()
            renames.since = selection.since
            renames.until = selection.until
            renames.operations = .rename
            renames.directories = known.map { Glob(under: $0) }
            try follow(question.scan(renames))
            renames.directories = []
            renames.paths = try Set(known.flatMap(\.ancestors)).sorted().map(Self.exactly)
            if !renames.paths.isEmpty { try follow(question.scan(renames)) }
            guard directories != known else { return }
            guard round < Self.maximumRoundCount else {
                isWhole = false
                return
            }
        }
    }

    private mutating func follow(_ scan: Scan) throws {
        try scan.forEachNameEvent { event in
            guard event.mask.contains(.onDirectory), let path = event.path, let target = event.target else { return }
            add(RawPath(path), RawPath(target))
        }
    }

    private mutating func add(_ path: RawPath, _ target: RawPath) {
        for directory in directories {
            for (one, other) in [(path, target), (target, path)] {
                if one.isAtOrUnder(directory) {
                    add(other)
                } else if directory.isAtOrUnder(one) {
                    add(RawPath(other.bytes + directory.bytes.dropFirst(one.bytes.count)))
                }
            }
        }
    }

    private mutating func add(_ directory: RawPath) {
        guard !directories.contains(where: { directory.isAtOrUnder($0) }) else { return }
        guard directories.count < Self.maximumCount else {
            isWhole = false
            return
        }
        directories.append(directory)
    }

    private static func exactly(_ path: RawPath) throws -> Glob {
        try Glob(PathArgument.escaped(path.bytes))
    }
}
