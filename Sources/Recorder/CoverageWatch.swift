import Model
import Store
import Syscalls

/// Notices that a covered filesystem is no longer where it was: marks vanish with an unmount, and nobody says so.
///
/// Cost: one statfs(2) for each covered path, which raises no event and holds nothing open.
struct CoverageWatch {
    private struct Place {
        var coverage: Coverage
        /// When it was last seen in place.
        var lastSeen: Instant
        var hasVanished = false
    }

    private var places: [Place]

    init(_ coverage: [Coverage]) {
        places = coverage.map { Place(coverage: $0, lastSeen: $0.from) }
    }

    /// A gap for each path whose filesystem went away since the last look; it stays open to the end of the run, because a
    /// filesystem that is mounted again has no mark.
    mutating func newlyVanished(now: Instant) -> [Gap] {
        var gaps: [Gap] = []
        for index in places.indices where !places[index].hasVanished {
            let coverage = places[index].coverage
            if let status = try? coverage.path.filesystemStatus(), status.id != coverage.filesystem {
                places[index].hasVanished = true
                gaps.append(
                    Gap(
                        kind: .notCovered, from: places[index].lastSeen, to: .distantFuture, count: nil,
                        scope: coverage.path, cause: "its filesystem is not mounted there any more; start varved again")
                )
            } else {
                places[index].lastSeen = now
            }
        }
        return gaps
    }
}
