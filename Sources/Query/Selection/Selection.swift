package import Model

/// Which events are asked for. Values of one key are alternatives, keys narrow.
package struct Selection: Sendable {
    /// A ≤ time < B.
    package var since: Instant?
    package var until: Instant?
    package var paths: [Glob] = []
    package var directories: [Glob] = []
    /// Empty asks for every operation.
    package var operations: EventMask = []
    package var pids: Set<Int32> = []
    package var comms: [Glob] = []
    package var exes: [Glob] = []
    package var userIDs: Set<UInt32> = []
    package var loginUserIDs: Set<UInt32> = []
    /// Over the names of systemd units.
    package var units: [Glob] = []
    package var containers: [Glob] = []
    /// Events of this process are left out: the tool's own while it follows.
    package var excludedPID: Int32?
    /// Only where it was first seen at or after this moment: before, the number was another's.
    package var excludedSince = Instant.distantPast
    /// Also events whose window reaches into the range though their time lies behind its end.
    package var includesOverlapping = false
    package var limit: Int?
    /// Last event first.
    package var isReversed = false

    package init() {}

    package var hasPathCondition: Bool {
        !paths.isEmpty || !directories.isEmpty
    }

    package var hasProcessCondition: Bool {
        !pids.isEmpty || !comms.isEmpty || !exes.isEmpty || !userIDs.isEmpty || !containers.isEmpty
            || !loginUserIDs.isEmpty || !units.isEmpty || excludedPID != nil
    }

    /// True when only the time narrows, so that block and row group counts answer how many.
    package var isOnlyTime: Bool {
        !hasPathCondition && !hasProcessCondition && operations.isEmpty
    }

    /// True when nothing narrows beside the time and at most one operation.
    var isOnlyTimeAndOperation: Bool {
        !hasPathCondition && !hasProcessCondition && operations.rawValue.nonzeroBitCount <= 1
    }

    /// True when every moment from `earliest` to `latest` lies in the range of time.
    package func holds(_ earliest: Instant, _ latest: Instant) -> Bool {
        since.map { $0 <= earliest } ?? true && until.map { latest < $0 } ?? true
    }

    /// The places that every selected event concerns, nil where the selection names none.
    ///
    /// A gap or a coverage elsewhere does not matter to the answer.
    package var scopes: [RawPath]? {
        func places(_ globs: [Glob]) -> [RawPath]? {
            guard !globs.isEmpty else { return nil }
            var found: [RawPath] = []
            for glob in globs {
                guard let place = glob.literalPath ?? glob.literalDirectory else { return nil }
                found.append(place)
            }
            return found
        }
        guard let below = places(directories) else { return places(paths) }
        guard let named = places(paths) else { return below }
        // Both keys narrow: what lies under both is enough, and the deeper of each pair says that.
        return named.flatMap { path in
            below.compactMap { directory in
                path.isAtOrUnder(directory) ? path : directory.isAtOrUnder(path) ? directory : nil
            }
        }
    }

    /// The same as patterns; empty where no place is asked for, which asks for what was recorded, wherever.
    package var askedPlaces: [AskedPlaces] {
        hasPathCondition ? [AskedPlaces(self)] : []
    }

    /// True for a gap that touches the range and may concern one of the places.
    package func asksFor(_ gap: Gap) -> Bool {
        if let since, gap.from < gap.to ? gap.to <= since : gap.to < since { return false }
        if let until, gap.from >= until { return false }
        guard let scope = gap.scope, let asked = scopes else { return true }
        return asked.contains { $0.isAtOrUnder(scope) || scope.isAtOrUnder($0) }
    }

    /// False when a block whose filter answers `mayContain` as given surely has no selected path.
    package func mayMatch(_ mayContain: ([UInt8]) -> Bool) -> Bool {
        func any(_ globs: [Glob]) -> Bool {
            guard !globs.isEmpty else { return true }
            return globs.contains { glob in
                guard let place = glob.literalPath ?? glob.literalDirectory, place.bytes != [UInt8(ascii: "/")]
                else { return true }
                return mayContain(place.bytes)
            }
        }
        return any(directories) && any(paths)
    }
}
