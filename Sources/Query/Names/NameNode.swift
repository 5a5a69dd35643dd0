internal import Block
internal import Model

/// Where a name lies: the directory's node, and the last part of the path.
struct NamePlace: Hashable {
    var parent: UInt32
    var name: [UInt8]
}

/// One name of one file, and what events told of it.
struct NameNode {
    /// What happened to a name, beside what its places tell.
    struct Deeds: OptionSet {
        var rawValue: UInt8
        static let made = Deeds(rawValue: 1)
        static let moved = Deeds(rawValue: 2)
        static let written = Deeds(rawValue: 4)
        static let attributes = Deeds(rawValue: 8)
        static let removed = Deeds(rawValue: 16)
    }

    /// Where it lies, or lay when it was removed.
    var place: NamePlace
    /// Where it lay at the moment that `NameForest.begin` fixed; nil of what was made after it.
    var origin: NamePlace?
    /// False once it was removed.
    var isLive = true
    var isDirectory = false
    /// An event was about itself, not only about what lies below it.
    var isSeen = false
    /// Made after the moment that `begin` fixed.
    var isBorn = false
    var isUncertain = false
    /// Its place is none of those that are followed: it may be gone from there unseen.
    var isElsewhere = false
    /// At the moment that `begin` fixed: it had been removed; something about it was not certain.
    var wasGone = false
    var wasUncertain = false
    /// It was there at that moment because a later event needs it.
    var isInferred = false
    /// It was renamed to a name of which nothing was known: a file may have been there before.
    var mayHaveReplaced = false
    var object: FileIdentity?
    /// When it was surely there: up to the moment that `begin` fixed the last event, after it the first.
    var witnessed: Instant
    private(set) var deeds: Deeds = []
    var count: UInt64 = 0
    var first: (sequence: UInt64, time: Instant) = (0, .distantPast)
    var last: (sequence: UInt64, time: Instant) = (0, .distantPast)
    var firstActor: NameActor?
    var lastActor: NameActor?

    init(_ place: NamePlace, witnessed: Instant) {
        self.place = place
        self.witnessed = witnessed
    }

    /// Whether its own place is what it was, whatever became of the directories above.
    var isAtOrigin: Bool { place == origin }

    /// Takes down what an event did to it.
    mutating func note(_ deeds: Deeds, by event: NameEvent) {
        self.deeds.formUnion(deeds)
        if count == 0 {
            first = (event.sequence, event.window.time)
            firstActor = event.actor
        }
        last = (event.sequence, event.window.time)
        lastActor = event.actor
        count += 1
    }
}

extension NameNode.Deeds {
    /// What the operations of an event come to; empty where it only looked.
    init(_ mask: EventMask) {
        self = []
        if mask.contains(.create) { insert(.made) }
        if mask.contains(.rename) { insert(.moved) }
        if !mask.isDisjoint(with: [.modify, .closeWrite]) { insert(.written) }
        if mask.contains(.attrib) { insert(.attributes) }
        if mask.contains(.delete) { insert(.removed) }
    }
}
