internal import Block
internal import Model

/// The names below `/` as events tell of them: which there are now, and which there were at a moment before.
///
/// Pure: events in, nodes out. A node is one name of one file; it stays itself through renames, of the directories above
/// it too, so what lies below a renamed directory has its new path without a look at it. A name that an event needs to
/// have been there is taken to have been there, with all directories above it.
///
/// `begin` fixes a moment (for `changes` the start of the range, for `tree` the time asked for). From then on each node
/// also knows its *origin*, the place that it had at that moment: that of nodes which were there, and of names that a later
/// event mentions without making them. What was made after it has none and is *born*.
///
/// Memory: about 400 bytes a name, at most `maximumCount` of them; names that were born and are gone again are forgotten
/// unless `keepsGone`.
struct NameForest {
    /// More names than are held.
    struct Overflow: Error {}

    static let maximumCount = 250_000
    static let root: UInt32 = 0
    static let none: UInt32 = .max
    /// How many deaths are remembered, against events of files that are still open without a name.
    private static let deathLimit = 65_536

    struct Key: Hashable {
        var parent: UInt32
        var name: [UInt8]
    }

    /// What happened to a name, beside what its places tell.
    struct Deeds: OptionSet {
        var rawValue: UInt8
        static let made = Deeds(rawValue: 1)
        static let moved = Deeds(rawValue: 2)
        static let written = Deeds(rawValue: 4)
        static let attributes = Deeds(rawValue: 8)
        static let removed = Deeds(rawValue: 16)
    }

    struct Node {
        var parent: UInt32
        var name: [UInt8]
        var originParent = NameForest.none
        var originName: [UInt8] = []
        fileprivate var firstChild = NameForest.none
        fileprivate var next = NameForest.none
        fileprivate var previous = NameForest.none
        /// False once it was removed; a forgotten node is neither live nor kept.
        var isLive = true
        fileprivate var isFree = false
        var isDirectory = false
        /// Made after the moment that `begin` fixed.
        var isBorn = false
        var isUncertain = false
        /// At the moment that `begin` fixed: it had been removed; something about it was not certain.
        fileprivate(set) var wasGone = false
        fileprivate(set) var wasUncertain = false
        /// It was there at that moment because a later event needs it.
        fileprivate(set) var isInferred = false
        /// It was renamed to a name of which nothing was known: a file may have been there before.
        var mayHaveReplaced = false
        var object: FileIdentity?
        /// When it was surely there: up to the moment that `begin` fixed the last event, after it the first.
        var witnessed: Instant
        var deeds: Deeds = []
        var count: UInt64 = 0
        var first: (sequence: UInt64, time: Instant) = (0, .distantPast)
        var last: (sequence: UInt64, time: Instant) = (0, .distantPast)
        var firstActor: NameActor?
        var lastActor: NameActor?

        var hasOrigin: Bool { originParent != NameForest.none }
        /// Whether its own place changed, whatever became of the directories above.
        var isAtOrigin: Bool { parent == originParent && name == originName }
    }

    private struct Death: Hashable {
        var key: Key
        var object: FileIdentity
    }

    private(set) var nodes: [Node]
    private var places: [Key: UInt32] = [:]
    private var free: [UInt32] = []
    /// Origins that their node has left: whatever is found there later is another file.
    private var vacated: Set<Key> = []
    private var deaths: Set<Death> = []
    private var deathQueue: [Death] = []
    private var oldestDeath = 0
    /// What the last rename took the name from: gone, unless the next event shows that the two were exchanged.
    private var displaced: (node: UInt32, key: Key, by: NameEvent)?
    /// What the last event moved, if it was a rename.
    private var lastMove: (node: UInt32, from: Key, to: Key)?
    private var hasBegun = false
    private let keepsGone: Bool
    /// How many names that were born and gone again were forgotten.
    private(set) var forgottenCount: UInt64 = 0
    /// The node that the last event was about; nil where it was about none.
    private(set) var subject: UInt32?

    init(keepsGone: Bool = false) {
        self.keepsGone = keepsGone
        nodes = [Node(parent: Self.none, name: [], isDirectory: true, witnessed: .distantPast)]
    }

    /// Every node but the root that is live or kept.
    var indices: [UInt32] {
        (0..<UInt32(nodes.count)).dropFirst().filter { !nodes[Int($0)].isFree }
    }

    subscript(index: UInt32) -> Node { nodes[Int(index)] }

    /// Fixes the moment at which things have their origin.
    mutating func begin() {
        settle()
        hasBegun = true
        for index in nodes.indices.dropFirst() where !nodes[index].isFree {
            nodes[index].originParent = nodes[index].parent
            nodes[index].originName = nodes[index].name
            nodes[index].wasGone = !nodes[index].isLive
            nodes[index].wasUncertain = nodes[index].isUncertain
        }
    }

    /// No further event follows.
    mutating func end() {
        settle()
    }

    /// The path that a node has, or had when it was removed.
    func path(_ index: UInt32) -> [UInt8] {
        path(index, { ($0.parent, $0.name) })
    }

    /// The path that a node with an origin had at the moment that `begin` fixed.
    func originPath(_ index: UInt32) -> [UInt8] {
        path(index, { ($0.originParent, $0.originName) })
    }

    private func path(_ index: UInt32, _ place: (Node) -> (UInt32, [UInt8])) -> [UInt8] {
        var names: [[UInt8]] = []
        var index = index
        // Places form no cycle; the count is a second thought about that.
        while index != Self.root, index != Self.none, names.count <= nodes.count {
            let (parent, name) = place(nodes[Int(index)])
            names.append(name)
            index = parent
        }
        guard !names.isEmpty else { return [UInt8(ascii: "/")] }
        return names.reversed().reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    }

    // MARK: Events

    /// Takes in the next event, in `seq` order.
    mutating func take(_ event: NameEvent) throws(Overflow) {
        subject = nil
        if event.mask.contains(.rename) {
            try takeRename(event)
            return
        }
        settle()
        lastMove = nil
        guard let path = event.path, !event.mask.isDisjoint(with: Self.telling), let key = try placeKey(path, event)
        else {
            return
        }
        let index: UInt32
        if event.mask.contains(.create) {
            index = try make(key, event)
        } else if let seen = try witness(key, event) {
            index = seen
        } else {
            return
        }
        note(event, index)
        // One record joins operations on one object, so what was made and deleted was deleted last.
        if event.mask.contains(.delete) { remove(index, event) }
    }

    /// Operations that need the name to be there, or to have been there until then.
    private static var telling: EventMask {
        [.access, .open, .openExec, .create, .modify, .attrib, .closeNoWrite, .closeWrite, .delete]
    }

    private mutating func takeRename(_ event: NameEvent) throws(Overflow) {
        let pending = displaced
        let last = lastMove
        displaced = nil
        lastMove = nil
        var source: Key?
        if let path = event.path { source = try placeKey(path, event) }
        if let target = event.target, let source, let last, last.to == source, let place = try placeKey(target, event),
            last.from == place, let object = event.object, let other = nodes[Int(last.node)].object, other != object
        {
            try takeExchange(event, from: source, to: place, last.node, pending?.node)
            return
        }
        if let pending { remove(displaced: pending) }
        var moved: UInt32?
        if let source { moved = try witness(source, event) }
        guard let target = event.target else {
            // Out of what is recorded.
            if let moved {
                note(event, moved)
                remove(moved, event)
            }
            return
        }
        guard let place = try placeKey(target, event) else { return }
        guard let moved, let source else {
            // Into what is recorded, from where nothing is known of it.
            if let old = places[place] { displace(old, event) }
            note(event, try add(place, event, isBorn: true))
            return
        }
        note(event, moved)
        guard place != source else { return }
        // No rename puts a directory below itself; a damaged record may say so.
        guard !isAtOrBelow(place.parent, moved) else {
            nodes[Int(moved)].isUncertain = true
            return
        }
        detach(moved)
        leaveOrigin(moved)
        if let old = places[place] {
            displace(old, event)
        } else {
            nodes[Int(moved)].mayHaveReplaced = !event.mask.contains(.onDirectory) && mayHold(place)
        }
        attach(moved, place)
        if event.mask.contains(.delete) {
            remove(moved, event)
        } else {
            lastMove = (moved, source, place)
        }
    }

    /// The second of two renames that exchange names: `event` moves what the first one, of `first`, took the name from.
    private mutating func takeExchange(
        _ event: NameEvent, from source: Key, to place: Key, _ first: UInt32, _ displaced: UInt32?
    ) throws(Overflow) {
        nodes[Int(first)].mayHaveReplaced = false
        var moved = displaced
        if moved == nil {
            // Nothing had told of it: it was there, under the name that the first has now.
            detach(first)
            moved = try add(source, event, isBorn: !mayHold(source))
            if let moved { detach(moved) }
            attach(first, source)
        }
        guard let moved, !isAtOrBelow(place.parent, moved) else { return }
        note(event, moved)
        leaveOrigin(moved)
        if let old = places[place] { displace(old, event) }
        attach(moved, place)
    }

    /// Whether a place of which nothing is known may have been somebody's at the moment that `begin` fixed.
    private func mayHold(_ place: Key) -> Bool {
        hasBegun && !nodes[Int(place.parent)].isBorn && !vacated.contains(place)
    }

    private mutating func make(_ key: Key, _ event: NameEvent) throws(Overflow) -> UInt32 {
        if let object = event.object { deaths.remove(Death(key: key, object: object)) }
        guard let old = places[key] else { return try add(key, event, isBorn: true) }
        // Found by a scan, or told twice.
        if let object = event.object, nodes[Int(old)].object == object { return old }
        if nodes[Int(old)].object == nil, nodes[Int(old)].count == 0 {
            // Known only from what lies below it.
            return old
        }
        // Its removal is not in the record.
        nodes[Int(old)].isUncertain = true
        remove(old, event)
        let new = try add(key, event, isBorn: true)
        nodes[Int(new)].isUncertain = true
        return new
    }

    /// The node at a place that an event needs to be there; nil where the event is of a file that lost this name before.
    private mutating func witness(_ key: Key, _ event: NameEvent) throws(Overflow) -> UInt32? {
        let found = places[key]
        if let object = event.object, deaths.contains(Death(key: key, object: object)),
            found.map({ nodes[Int($0)].object != object }) ?? true, event.mask.isDisjoint(with: [.delete, .rename])
        {
            return nil
        }
        if let found { return found }
        return try add(key, event, isBorn: false)
    }

    /// Counts an event that is of this very name, not of one below it.
    private mutating func note(_ event: NameEvent, _ index: UInt32) {
        let mask = event.mask
        subject = index
        if nodes[Int(index)].object == nil { nodes[Int(index)].object = event.object }
        var deeds: Deeds = []
        if mask.contains(.create) { deeds.insert(.made) }
        if mask.contains(.rename) { deeds.insert(.moved) }
        if !mask.isDisjoint(with: [.modify, .closeWrite]) { deeds.insert(.written) }
        if mask.contains(.attrib) { deeds.insert(.attributes) }
        if mask.contains(.delete) { deeds.insert(.removed) }
        touch(index, event)
        update(index) { node in
            node.isDirectory = node.isDirectory || mask.contains(.onDirectory)
            node.isUncertain = node.isUncertain || event.isUncertain
            guard !deeds.isEmpty else { return }
            Self.count(event, deeds, &node)
        }
    }

    private static func count(_ event: NameEvent, _ deeds: Deeds, _ node: inout Node) {
        node.deeds.formUnion(deeds)
        if node.count == 0 {
            node.first = (event.sequence, event.window.time)
            node.firstActor = event.actor
        }
        node.last = (event.sequence, event.window.time)
        node.lastActor = event.actor
        node.count += 1
    }

    private mutating func update(_ index: UInt32, _ change: (inout Node) -> Void) {
        change(&nodes[Int(index)])
    }

    /// Up to the fixed moment the last sign of a name counts, after it the first.
    private mutating func touch(_ index: UInt32, _ event: NameEvent) {
        guard !hasBegun else { return }
        nodes[Int(index)].witnessed = max(nodes[Int(index)].witnessed, event.window.time)
    }

    // MARK: Places

    /// The place that a path names, with every directory above it there; nil for the root.
    private mutating func placeKey(_ path: [UInt8], _ event: NameEvent) throws(Overflow) -> Key? {
        let names = path.split(separator: UInt8(ascii: "/"))
        guard let last = names.last else { return nil }
        var parent = Self.root
        for name in names.dropLast() {
            let key = Key(parent: parent, name: Array(name))
            if let known = places[key] { parent = known } else { parent = try add(key, event, isBorn: false) }
            nodes[Int(parent)].isDirectory = true
            touch(parent, event)
        }
        return Key(parent: parent, name: Array(last))
    }

    /// A node for a name that was made (`isBorn`), or that was there before anything told of it.
    private mutating func add(_ key: Key, _ event: NameEvent, isBorn: Bool) throws(Overflow) -> UInt32 {
        guard nodes.count - free.count <= Self.maximumCount else { throw Overflow() }
        var node = Node(parent: key.parent, name: key.name, witnessed: event.window.time)
        // Where something else has been since, or where the directory itself is newer, it cannot have been before.
        node.isBorn = hasBegun && (isBorn || !mayHold(key))
        if hasBegun, !isBorn, vacated.contains(key) { node.isUncertain = true }
        if hasBegun, !node.isBorn {
            node.originParent = key.parent
            node.originName = key.name
            node.isInferred = true
        }
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
            nodes[Int(index)] = node
        } else {
            index = UInt32(nodes.count)
            nodes.append(node)
        }
        attach(index, key)
        return index
    }

    private mutating func attach(_ index: UInt32, _ key: Key) {
        places[key] = index
        let first = nodes[Int(key.parent)].firstChild
        nodes[Int(index)].parent = key.parent
        nodes[Int(index)].name = key.name
        nodes[Int(index)].previous = Self.none
        nodes[Int(index)].next = first
        nodes[Int(index)].isLive = true
        if first != Self.none { nodes[Int(first)].previous = index }
        nodes[Int(key.parent)].firstChild = index
    }

    private func isAttached(_ index: UInt32) -> Bool {
        places[Key(parent: nodes[Int(index)].parent, name: nodes[Int(index)].name)] == index
    }

    private mutating func detach(_ index: UInt32) {
        let node = nodes[Int(index)]
        places[Key(parent: node.parent, name: node.name)] = nil
        if node.previous != Self.none { nodes[Int(node.previous)].next = node.next }
        if node.next != Self.none { nodes[Int(node.next)].previous = node.previous }
        if nodes[Int(node.parent)].firstChild == index { nodes[Int(node.parent)].firstChild = node.next }
        nodes[Int(index)].previous = Self.none
        nodes[Int(index)].next = Self.none
    }

    private func isAtOrBelow(_ index: UInt32, _ directory: UInt32) -> Bool {
        var index = index
        while index != Self.none {
            if index == directory { return true }
            index = nodes[Int(index)].parent
        }
        return false
    }

    private mutating func leaveOrigin(_ index: UInt32) {
        let node = nodes[Int(index)]
        if node.hasOrigin { vacated.insert(Key(parent: node.originParent, name: node.originName)) }
    }

    // MARK: Ends

    private mutating func displace(_ index: UInt32, _ event: NameEvent) {
        let key = Key(parent: nodes[Int(index)].parent, name: nodes[Int(index)].name)
        detach(index)
        displaced = (index, key, event)
    }

    private mutating func settle() {
        guard let pending = displaced else { return }
        displaced = nil
        remove(displaced: pending)
    }

    private mutating func remove(displaced pending: (node: UInt32, key: Key, by: NameEvent)) {
        Self.count(pending.by, .removed, &nodes[Int(pending.node)])
        bury(pending.node, pending.key)
    }

    private mutating func remove(_ index: UInt32, _ event: NameEvent) {
        let key = Key(parent: nodes[Int(index)].parent, name: nodes[Int(index)].name)
        if !nodes[Int(index)].deeds.contains(.removed) { Self.count(event, .removed, &nodes[Int(index)]) }
        if isAttached(index) { detach(index) }
        bury(index, key)
    }

    /// Ends a node that is detached, and all that is still below it: their removal is not in the record.
    private mutating func bury(_ index: UInt32, _ key: Key) {
        if let object = nodes[Int(index)].object { remember(Death(key: key, object: object)) }
        var rest = [index]
        while let dead = rest.popLast() {
            var child = nodes[Int(dead)].firstChild
            while child != Self.none {
                rest.append(child)
                nodes[Int(child)].isUncertain = true
                child = nodes[Int(child)].next
            }
            if dead != index { places[Key(parent: nodes[Int(dead)].parent, name: nodes[Int(dead)].name)] = nil }
            nodes[Int(dead)].firstChild = Self.none
            nodes[Int(dead)].isLive = false
            leaveOrigin(dead)
            if !keepsGone, !nodes[Int(dead)].hasOrigin {
                forgottenCount += 1
                nodes[Int(dead)].isFree = true
                free.append(dead)
            }
        }
    }

    private mutating func remember(_ death: Death) {
        guard deaths.insert(death).inserted else { return }
        if deathQueue.count < Self.deathLimit {
            deathQueue.append(death)
        } else {
            deaths.remove(deathQueue[oldestDeath])
            deathQueue[oldestDeath] = death
            oldestDeath = (oldestDeath + 1) % Self.deathLimit
        }
    }
}
