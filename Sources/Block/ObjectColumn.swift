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
        // SAFETY: bytes are initialised memory without padding; the spans do not outlive the arrays.
        var volumes = unsafe ByteCursor(self.volumes.span.bytes)
        var inodes = unsafe ByteCursor(self.inodes.span.bytes)
        var generations = unsafe ByteCursor(self.generations.span.bytes)
        var lastInodes = [UInt64](repeating: 0, count: volumeCount)
        var objects: [StoredObject] = []
        objects.reserveCapacity(count)
        for _ in 0..<count {
            let volume = try volumes.count(atMost: volumeCount)
            if volume == 0 {
                objects.append(.none)
                continue
            }
            let inode = Zigzag.decodeDifference(try inodes.varint(), from: lastInodes[volume &- 1])
            lastInodes[volume &- 1] = inode
            objects.append(
                StoredObject(
                    inode: inode, volume: UInt32(truncatingIfNeeded: volume &- 1), generation: try generations.byte()))
        }
        try volumes.expectEnd()
        try inodes.expectEnd()
        try generations.expectEnd()
        return objects
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

    /// The objects of the events with these paths; `targets` is empty when no event has one.
    func decode(
        paths: [UInt32], targets: [UInt32], known: [StoredObject], volumeCount: Int
    ) throws(PartError) -> [StoredObject] {
        let eventCount = paths.count
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
        let values = try objects.decode(count: forward.count + backward.count, volumeCount: volumeCount)
        var predictor = Predictor(pathCount: known.count)
        var result: [StoredObject] = []
        result.reserveCapacity(eventCount)
        var used = 0
        for index in 0..<eventCount {
            let path = paths[index]
            var object = StoredObject.none
            if path != .absent {
                if used < forward.count && forward[used] == index {
                    object = values[used]
                    used &+= 1
                    predictor.set(path, object)
                } else {
                    object = predictor.predict(path, known)
                }
                if !targets.isEmpty && targets[index] != .absent { predictor.set(targets[index], object) }
            }
            result.append(object)
        }
        guard used == forward.count else { throw .malformed("object for an event without a path") }
        var backwardUsed = 0
        for index in stride(from: eventCount &- 1, through: 0, by: -1) where paths[index] == .absent {
            if backwardUsed < backward.count && backward[backwardUsed] == index {
                result[index] = values[forward.count &+ backwardUsed]
                backwardUsed &+= 1
            } else {
                result[index] = index &+ 1 < eventCount ? result[index &+ 1] : .none
            }
        }
        guard backwardUsed == backward.count else { throw .malformed("object for an event with a path") }
        return result
    }
}
