internal import Model

/// The places of which every event is looked at: some directories with all that lies below them, and the directories above
/// them.
///
/// An event that reaches beyond, a rename out of them or into them, tells of another place at that moment only.
struct FollowedPlaces {
    private let directories: [[ArraySlice<UInt8>]]

    init(_ directories: [RawPath]) {
        self.directories = directories.map { Self.names($0.bytes) }
    }

    /// The parts of a path.
    static func names(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
        path.split(separator: UInt8(ascii: "/"))
    }

    /// How many of a path's directories and names, from `/` down, lie at followed places: all of them, or those that are
    /// above a followed directory.
    func count(of names: [ArraySlice<UInt8>]) -> Int {
        var greatest = 0
        for directory in directories {
            let shared = zip(directory, names).prefix { $0 == $1 }.count
            if shared == directory.count { return names.count }
            greatest = max(greatest, shared)
        }
        return greatest
    }
}
