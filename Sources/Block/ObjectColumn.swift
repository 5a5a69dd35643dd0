import Model

/// Where inode numbers count: a filesystem, and within it a btrfs subvolume. A block has a table of them.
struct Volume: Hashable, Sendable {
    var filesystem: UInt64
    var root: UInt64
}

/// A file identity over a block's volume table.
struct StoredObject: Equatable, Sendable {
    var inode: UInt64
    /// `absent`: there is no object.
    var volume: UInt32
    var generation: UInt8

    static let none = StoredObject(inode: 0, volume: .absent, generation: 0)
}

/// A list of objects in four streams, one inode predicted from the last of its volume.
///
/// Shape: `volumes` one number an object, 0 none, else volume + 1; for each that is not none, `inodes` the zigzag
/// difference to the last inode of the same volume in this list (0 before the first), `generations` one byte.
struct ObjectList {
    var volumes: [UInt8] = []
    var inodes: [UInt8] = []
    var generations: [UInt8] = []
    private var lastInodes: [UInt64] = []

    mutating func append(_ object: StoredObject) {
        guard object.volume != .absent else {
            volumes.append(0)
            return
        }
        let volume = Int(object.volume)
        while lastInodes.count <= volume { lastInodes.append(0) }
        volumes.appendVarint(volume + 1)
        inodes.appendVarint(Zigzag.encodeDifference(object.inode, from: lastInodes[volume]))
        generations.append(object.generation)
        lastInodes[volume] = object.inode
    }

    /// `count` objects over a table of `volumeCount` volumes.
    func decode(count: Int, volumeCount: Int) throws(PartError) -> [StoredObject] {
        var objects: [StoredObject] = []
        objects.reserveCapacity(count)
        try forEach(count: count, volumeCount: volumeCount) { objects.append($1) }
        return objects
    }

    /// Hands over each of `count` objects with its place in the list.
    @inline(__always)
    func forEach(count: Int, volumeCount: Int, _ body: (Int, StoredObject) -> Void) throws(PartError) {
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var volumes = unsafe ByteCursor(self.volumes.span.bytes)
        var inodes = unsafe ByteCursor(self.inodes.span.bytes)
        var generations = unsafe ByteCursor(self.generations.span.bytes)
        var lastInodes = [UInt64](repeating: 0, count: volumeCount)
        for index in 0..<count {
            let volume = try volumes.count(atMost: volumeCount)
            if volume == 0 {
                body(index, .none)
                continue
            }
            let inode = Zigzag.decodeDifference(try inodes.varint(), from: lastInodes[volume &- 1])
            lastInodes[volume &- 1] = inode
            body(
                index,
                StoredObject(
                    inode: inode, volume: UInt32(truncatingIfNeeded: volume &- 1), generation: try generations.byte()))
        }
        try volumes.expectEnd()
        try inodes.expectEnd()
        try generations.expectEnd()
    }
}

/// The objects of a row group's events, as exceptions from a prediction.
///
/// An event with a path is predicted to be about the object its path had last in this row group (as path, or as target
/// of a rename), at first the path's object in the dictionary. An event without a path is predicted to be about the
/// object of the event after it, after the last about none: the kernel reports the end of a file before the deletion of
/// its name. Shape: `positions` holds the count of exceptions among events with a path and their distances, then the
/// distances of those without a path, counted backwards from the end; `objects` their values in the same order.
struct ObjectColumn {
    var positions: [UInt8] = []
    var objects = ObjectList()

    /// What a path's object is, as far as a row group's events told.
    private struct Predictor {
        private var overrideOf: [UInt32]
        private var overrides: [StoredObject] = []

        init(pathCount: Int) {
            overrideOf = Array(repeating: 0, count: pathCount)
        }

        @inline(__always)
        func isOverridden(_ path: UInt32) -> Bool { overrideOf[Int(path)] != 0 }

        @inline(__always)
        func predict(_ path: UInt32, _ known: [StoredObject]) -> StoredObject {
            let index = overrideOf[Int(path)]
            return index == 0 ? known[Int(path)] : overrides[Int(index) &- 1]
        }

        @inline(__always)
        mutating func set(_ path: UInt32, _ object: StoredObject) {
            let index = overrideOf[Int(path)]
            if index == 0 {
                overrides.append(object)
                overrideOf[Int(path)] = UInt32(overrides.count)
            } else {
                overrides[Int(index) &- 1] = object
            }
        }
    }

    /// Encodes a row group. `known` holds the dictionary's object of every path; where that is not set yet
    /// (`isKnown` false) the first appearance sets it.
    init(
        objects events: [StoredObject], paths: [UInt32], targets: [UInt32], known: inout [StoredObject],
        isKnown: inout [Bool]
    ) {
        var predictor = Predictor(pathCount: known.count)
        var exceptionCount = 0
        var distances: [UInt8] = []
        var lastIndex = 0
        for index in 0..<events.count {
            let path = paths[index]
            let object = events[index]
            if path != .absent {
                if !isKnown[Int(path)] {
                    isKnown[Int(path)] = true
                    if !predictor.isOverridden(path) { known[Int(path)] = object }
                }
                if object != predictor.predict(path, known) {
                    exceptionCount += 1
                    distances.appendVarint(index - lastIndex)
                    lastIndex = index
                    objects.append(object)
                    predictor.set(path, object)
                }
                let target = targets[index]
                if target != .absent { predictor.set(target, object) }
            }
        }
        var backward: [UInt8] = []
        lastIndex = events.count
        for index in stride(from: events.count - 1, through: 0, by: -1) where paths[index] == .absent {
            let expected = index + 1 < events.count ? events[index + 1] : .none
            if events[index] != expected {
                backward.appendVarint(lastIndex - index)
                lastIndex = index
                objects.append(events[index])
            }
        }
        guard exceptionCount > 0 || !backward.isEmpty else { return }
        positions.appendVarint(exceptionCount)
        positions.append(contentsOf: distances)
        positions.append(contentsOf: backward)
    }

    init(positions: [UInt8], objects: ObjectList) {
        self.positions = positions
        self.objects = objects
    }

    /// The objects of the events at `positions`, which ascend, of a row group with these paths; `targets` is empty when no
    /// event has one.
    func decode(
        paths: [UInt32], targets: [UInt32], known: [StoredObject], volumeCount: Int,
        at positions: some RandomAccessCollection<Int>
    ) throws(PartError) -> [StoredObject] {
        let eventCount = paths.count
        let (forward, backward) = try decodePositions(eventCount: eventCount)
        let values = try objects.decode(count: forward.count + backward.count, volumeCount: volumeCount)
        var result = [StoredObject](repeating: .none, count: positions.count)
        // The objects of events that follow one without a path, which is predicted by them; in order.
        var afterAbsent: [StoredObject] = []
        var predictor = Predictor(pathCount: known.count)
        var used = 0
        var ordinal = 0
        var cursor = positions.startIndex
        for index in 0..<eventCount {
            let path = paths[index]
            let isWanted = cursor < positions.endIndex && positions[cursor] == index
            if path != .absent {
                let object: StoredObject
                if used < forward.count && forward[used] == index {
                    object = values[used]
                    used &+= 1
                    predictor.set(path, object)
                } else {
                    object = predictor.predict(path, known)
                }
                if !targets.isEmpty && targets[index] != .absent { predictor.set(targets[index], object) }
                if isWanted { result[ordinal] = object }
                if index > 0 && paths[index &- 1] == .absent { afterAbsent.append(object) }
            }
            if isWanted {
                ordinal &+= 1
                positions.formIndex(after: &cursor)
            }
        }
        guard used == forward.count else { throw .malformed("object for an event without a path") }
        var backwardUsed = 0
        var next = StoredObject.none
        for index in stride(from: eventCount &- 1, through: 0, by: -1) {
            let isWanted = cursor > positions.startIndex && positions[positions.index(before: cursor)] == index
            if isWanted {
                ordinal &-= 1
                positions.formIndex(before: &cursor)
            }
            if paths[index] == .absent {
                if backwardUsed < backward.count && backward[backwardUsed] == index {
                    next = values[forward.count &+ backwardUsed]
                    backwardUsed &+= 1
                }
                if isWanted { result[ordinal] = next }
            } else if index > 0 && paths[index &- 1] == .absent {
                next = afterAbsent.popLast() ?? .none
            }
        }
        guard backwardUsed == backward.count else { throw .malformed("object for an event with a path") }
        return result
    }

    /// For each path of the dictionary whether the objects of the events at `positions` depend on it: their own paths, and
    /// those whose objects they took over by a rename. Range: all of these events have a path.
    func followed(paths: [UInt32], targets: [UInt32], pathCount: Int, at positions: [Int]) -> [Bool] {
        var isFollowed = [Bool](repeating: false, count: pathCount)
        for position in positions { isFollowed[Int(paths[position])] = true }
        guard !targets.isEmpty else { return isFollowed }
        // Backwards, so that one pass finds the whole chain of names that an object had.
        for index in stride(from: positions.last ?? -1, through: 0, by: -1) {
            let target = targets[index]
            guard target != .absent, isFollowed[Int(target)], paths[index] != .absent else { continue }
            isFollowed[Int(paths[index])] = true
        }
        return isFollowed
    }

    /// As `decode` for a few events that all have a path: only the paths that are `followed` are looked at, of which
    /// `known` holds the dictionary's objects.
    func decodeFew(
        paths: [UInt32], targets: [UInt32], followed isFollowed: [Bool], known: [PathIndex: StoredObject],
        volumeCount: Int, at positions: [Int]
    ) throws(PartError) -> [StoredObject] {
        // What comes after the last of them does not matter.
        let eventCount = (positions.last ?? -1) &+ 1
        var current = known
        let (forward, backward) = try decodePositions(eventCount: paths.count)
        let values = try objects.decode(count: forward.count + backward.count, volumeCount: volumeCount)
        var result: [StoredObject] = []
        result.reserveCapacity(positions.count)
        var used = 0
        let paths = paths.span
        let isFollowed = isFollowed.span
        for index in 0..<eventCount {
            let path = paths[index]
            guard path != .absent, isFollowed[Int(path)] else { continue }
            while used < forward.count && forward[used] < index { used &+= 1 }
            if used < forward.count && forward[used] == index { current[path] = values[used] }
            let object = current[path] ?? .none
            if !targets.isEmpty && targets[index] != .absent { current[targets[index]] = object }
            if positions[result.count] == index { result.append(object) }
        }
        return result
    }

    /// Where predictions failed: of events with a path ascending, of those without descending.
    private func decodePositions(eventCount: Int) throws(PartError) -> (forward: [Int], backward: [Int]) {
        var forward: [Int] = []
        var backward: [Int] = []
        if !positions.isEmpty {
            // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
            var cursor = unsafe ByteCursor(positions.span.bytes)
            let forwardCount = try cursor.count(atMost: eventCount)
            var index = 0
            for number in 0..<forwardCount {
                let distance = try cursor.count(atMost: eventCount &- 1 &- index)
                guard distance > 0 || number == 0 else { throw .malformed("two objects of one event") }
                index &+= distance
                forward.append(index)
            }
            index = eventCount
            while cursor.remainingByteCount > 0 {
                let distance = try cursor.count(atMost: index)
                guard distance > 0 else { throw .malformed("two objects of one event") }
                index &-= distance
                backward.append(index)
            }
        }
        return (forward, backward)
    }
}
