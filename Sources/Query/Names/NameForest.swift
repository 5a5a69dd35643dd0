internal import Block
internal import Model

/// The names below `/` as events tell of them: which there are now, and which there were at a moment before.
///
/// Pure: events in, nodes out. A node is one name of one file; it stays itself through renames, of the directories above
/// it too. A name that an event needs to have been there is taken to have been there, with all directories above it.
///
/// Where only some places are followed, a rename may put something elsewhere, or bring it from there. What was put elsewhere
/// keeps the name that it left to; only the same file coming back from there takes it up again.
///
/// `begin` fixes a moment (for `changes` the start of the range, for `tree` the time asked for). From then on each node
/// also knows its *origin*, the place that it had at that moment: that of nodes which were there, and of names that a later
/// event mentions without making them. What was made after it has none and is *born*.
///
/// Memory: `maximumCount` names, and those of one event more; names that were born and are gone again are forgotten unless
/// `keepsGone`.
struct NameForest {
    /// More names than are held: the event was not taken in, all before it were.
    struct Overflow: Error {
        var sequence: UInt64
        var time: Instant

        /// Why an answer stops there.
        func reason(maximumCount: Int, remedy: String) -> Completeness.Reason {
            .unread(
                "event \(sequence), at \(TimestampWriter.text(time)), and what came after it was not looked at: more than "
                    + "\(maximumCount) names; \(remedy)")
        }
    }

    static let maximumCount = 250_000

    private(set) var tree = NameTree()
    /// Origins that their node has left: whatever is found there later is another file.
    private var vacated: Set<NamePlace> = []
    private var deaths = RecentDeaths()
    /// What the last rename took the name from: gone, unless the next event shows that the two were exchanged.
    private var displaced: (node: UInt32, by: NameEvent)?
    /// What the last event moved, if it was a rename.
    private var lastMove: (node: UInt32, from: NamePlace, to: NamePlace)?
    private var hasBegun = false
    private let places: FollowedPlaces?
    private let keepsGone: Bool
    private let isCounted: ((RawPath) -> Bool)?
    private let maximumCount: Int
    /// How many names that were born and gone again were forgotten, of those that are counted by the path they had last.
    private(set) var forgottenCount: UInt64 = 0
    /// The node that the last event was about; nil where it was about none.
    private(set) var subject: UInt32?

    /// Parameter places: nil for everywhere.
    /// Parameter isCounted: whether a name that is forgotten counts as such; nil counts all.
    init(
        following places: FollowedPlaces? = nil, keepsGone: Bool = false, maximumCount: Int = Self.maximumCount,
        counting isCounted: ((RawPath) -> Bool)? = nil
    ) {
        self.places = places
        self.keepsGone = keepsGone
        self.maximumCount = maximumCount
        self.isCounted = isCounted
    }

    /// Every node but the root that is live or kept.
    var indices: [UInt32] { tree.indices }

    subscript(index: UInt32) -> NameNode { tree[index] }

    /// The last part of the path that a node with an origin had at the moment that `begin` fixed.
    func originName(_ index: UInt32) -> [UInt8] { tree[index].origin?.name ?? [] }

    /// Fixes the moment at which things have their origin.
    mutating func begin() {
        settle()
        hasBegun = true
        for index in tree.indices {
            tree[index].origin = tree[index].place
            tree[index].wasGone = !tree[index].isLive
            tree[index].wasUncertain = tree[index].isUncertain
        }
    }

    /// No further event follows.
    mutating func end() {
        settle()
    }

    /// Takes in the next event, in `seq` order.
    mutating func take(_ event: NameEvent) throws(Overflow) {
        guard tree.count <= maximumCount else { throw Overflow(sequence: event.sequence, time: event.window.time) }
        subject = nil
        if event.mask.contains(.rename) {
            takeRename(event)
            return
        }
        settle()
        lastMove = nil
        guard !event.mask.isDisjoint(with: Self.telling), let path = event.path, let site = site(of: path, event)
        else {
            return
        }
        let found = event.mask.contains(.create) ? make(site, event) : witness(site, event)
        guard let index = found else { return }
        note(event, index)
        // One record joins operations on one object, so what was made and deleted was deleted last.
        if event.mask.contains(.delete) { remove(index, event) }
    }

    /// Operations that need the name to be there, or to have been there until then.
    private static var telling: EventMask {
        [.access, .open, .openExec, .create, .modify, .attrib, .closeNoWrite, .closeWrite, .delete]
    }

    // MARK: Renames

    private mutating func takeRename(_ event: NameEvent) {
        let pending = displaced
        let last = lastMove
        displaced = nil
        lastMove = nil
        let source = event.path.flatMap { site(of: $0, event) }
        let target = event.target.flatMap { site(of: $0, event) }
        if let last, let source, let target, last.to == source.place, last.from == target.place,
            let object = event.object, let other = tree[last.node].object, other != object
        {
            takeExchange(event, from: source, to: target, last.node, pending?.node)
            return
        }
        if let pending { remove(pending.node, pending.by) }
        let moved = source.flatMap { witness($0, event) }
        guard let target else {
            // Out of what is recorded, or a target that is no name.
            if let moved, event.target == nil {
                note(event, moved)
                remove(moved, event)
            }
            return
        }
        guard let moved, let source else {
            // Into what is recorded, from where nothing is known of it.
            _ = clear(target, event)
            note(event, add(target, event, isBorn: true))
            return
        }
        note(event, moved)
        guard target.place != source.place else { return }
        // No rename puts a directory below itself; a damaged record may say so.
        guard !tree.isAtOrBelow(target.place.parent, moved) else {
            tree[moved].isUncertain = true
            return
        }
        tree.detach(moved)
        leaveOrigin(moved)
        if let old = clear(target, event) {
            // That one may have been put in the place of another itself.
            tree[moved].mayHaveReplaced = tree[old].mayHaveReplaced
        } else {
            tree[moved].mayHaveReplaced = !event.mask.contains(.onDirectory) && mayHold(target.place)
        }
        attach(moved, target)
        if event.mask.contains(.delete) {
            remove(moved, event)
        } else {
            lastMove = (moved, source.place, target.place)
        }
    }

    /// The second of two renames that exchange names: `event` moves what the first one, of `first`, took the name from.
    private mutating func takeExchange(
        _ event: NameEvent, from source: Site, to target: Site, _ first: UInt32, _ displaced: UInt32?
    ) {
        tree[first].mayHaveReplaced = false
        let moved: UInt32
        if let displaced {
            moved = displaced
        } else {
            // Nothing had told of it: it was there, under the name that the first has now.
            tree.detach(first)
            moved = add(source, event, isBorn: !mayHold(source.place))
            tree.detach(moved)
            attach(first, source)
        }
        guard !tree.isAtOrBelow(target.place.parent, moved) else { return }
        note(event, moved)
        leaveOrigin(moved)
        _ = clear(target, event)
        attach(moved, target)
    }

    private mutating func attach(_ index: UInt32, _ site: Site) {
        tree.attach(index, site.place)
        tree[index].isElsewhere = !site.isFollowed
    }

    /// Makes room for what a rename puts at a place. Gives what the record knew to be there.
    private mutating func clear(_ site: Site, _ event: NameEvent) -> UInt32? {
        guard let old = tree[site.place] else { return nil }
        guard site.isFollowed else {
            loseSight(of: old)
            return nil
        }
        tree.detach(old)
        displaced = (old, event)
        return old
    }

    // MARK: What events need

    /// A place, and whether every event there is looked at.
    private struct Site {
        var place: NamePlace
        var isFollowed: Bool
    }

    /// The place that a path names, with every directory above it there; nil for the root.
    private mutating func site(of path: [UInt8], _ event: NameEvent) -> Site? {
        let names = FollowedPlaces.names(path)
        guard let last = names.last else { return nil }
        // Only renames have a second name, which may lie elsewhere.
        let followedCount = event.mask.contains(.rename) ? places?.count(of: names) ?? names.count : names.count
        var parent = NameTree.root
        for (depth, name) in names.dropLast().enumerated() {
            let place = NamePlace(parent: parent, name: Array(name))
            parent = directory(Site(place: place, isFollowed: depth < followedCount), event)
            touch(parent, event)
        }
        return Site(place: NamePlace(parent: parent, name: Array(last)), isFollowed: followedCount == names.count)
    }

    /// The directory at a place, which an event of something below it needs to be there.
    private mutating func directory(_ site: Site, _ event: NameEvent) -> UInt32 {
        var isReplaced = false
        if let found = tree[site.place] {
            let isFile = tree[found].isSeen && !tree[found].isDirectory
            switch site.isFollowed {
            case true where !isFile, false where !tree[found].isSeen:
                tree[found].isDirectory = true
                return found
            case true:
                removeUnseen(found, event)
                isReplaced = true
            // A rename put it there; whether it is still there nothing tells.
            case false: loseSight(of: found)
            }
        }
        let new = add(site, event, isBorn: isReplaced)
        tree[new].isDirectory = true
        if isReplaced { tree[new].isUncertain = true }
        return new
    }

    private mutating func make(_ site: Site, _ event: NameEvent) -> UInt32 {
        if let object = event.object { deaths.remove(object, at: site.place) }
        guard let old = tree[site.place] else { return add(site, event, isBorn: true) }
        // Found by a scan, or told twice.
        if let object = event.object, tree[old].object == object { return old }
        // Known only from what lies below it.
        if tree[old].object == nil, tree[old].count == 0 { return old }
        removeUnseen(old, event)
        let new = add(site, event, isBorn: true)
        tree[new].isUncertain = true
        return new
    }

    /// The node at a place that an event needs to be there; nil where the event is of a file that lost this name before.
    private mutating func witness(_ site: Site, _ event: NameEvent) -> UInt32? {
        if !site.isFollowed, let found = tree[site.place], event.object == nil || tree[found].object != event.object {
            loseSight(of: found)
        }
        let found = tree[site.place]
        if let object = event.object, deaths.contains(object, at: site.place),
            found.map({ tree[$0].object != object }) ?? true, event.mask.isDisjoint(with: [.delete, .rename])
        {
            return nil
        }
        return found ?? add(site, event, isBorn: false)
    }

    /// A node for a name that was made (`isBorn`), or that was there before anything told of it.
    private mutating func add(_ site: Site, _ event: NameEvent, isBorn: Bool) -> UInt32 {
        let place = site.place
        var node = NameNode(place, witnessed: event.window.time)
        node.isElsewhere = !site.isFollowed
        // Where something else has been since, or where the directory itself is newer, it cannot have been before.
        node.isBorn = hasBegun && (isBorn || !mayHold(place))
        if hasBegun, !isBorn, site.isFollowed, vacated.contains(place) { node.isUncertain = true }
        if hasBegun, !node.isBorn {
            node.origin = place
            node.isInferred = true
        }
        return tree.insert(node)
    }

    /// Whether a place of which nothing is known may have been somebody's at the moment that `begin` fixed.
    private func mayHold(_ place: NamePlace) -> Bool {
        hasBegun && !tree[place.parent].isBorn && !vacated.contains(place)
    }

    /// Counts an event that is of this very name, not of one below it.
    private mutating func note(_ event: NameEvent, _ index: UInt32) {
        subject = index
        touch(index, event)
        tree[index].isSeen = true
        if tree[index].object == nil { tree[index].object = event.object }
        if event.mask.contains(.onDirectory) { tree[index].isDirectory = true }
        if event.isUncertain { tree[index].isUncertain = true }
        let deeds = NameNode.Deeds(event.mask)
        if !deeds.isEmpty { tree[index].note(deeds, by: event) }
    }

    /// Up to the fixed moment the last sign of a name counts, after it the first.
    private mutating func touch(_ index: UInt32, _ event: NameEvent) {
        guard !hasBegun else { return }
        tree[index].witnessed = max(tree[index].witnessed, event.window.time)
    }

    // MARK: Ends

    private mutating func leaveOrigin(_ index: UInt32) {
        if let origin = tree[index].origin { vacated.insert(origin) }
    }

    /// Something else has the place of a node that was moved to where nothing is followed, or that was presumed there: what
    /// became of it, and of what lies below it, is not looked at.
    private mutating func loseSight(of index: UInt32) {
        let below = tree.detachAll(below: index)
        tree.detach(index)
        var needed: Set<UInt32> = []
        for lost in ([index] + below).reversed() { letGo(lost, &needed) }
    }

    /// Leaves a detached node with the name that it left to; what was made after the moment is forgotten. Those that are kept
    /// add the directories above them, which come later, to `needed`.
    private mutating func letGo(_ index: UInt32, _ needed: inout Set<UInt32>) {
        leaveOrigin(index)
        if tree[index].origin == nil, !needed.contains(index) {
            tree.forget(index)
        } else {
            needed.insert(tree[index].place.parent)
        }
    }

    private mutating func settle() {
        guard let pending = displaced else { return }
        displaced = nil
        remove(pending.node, pending.by)
    }

    /// Ends a node of which something else tells that it is gone.
    private mutating func removeUnseen(_ index: UInt32, _ event: NameEvent) {
        tree[index].isUncertain = true
        remove(index, event)
    }

    /// Ends a node, and all that is still below it: the removal of that is not in the record, or not looked at.
    private mutating func remove(_ index: UInt32, _ event: NameEvent) {
        if !tree[index].deeds.contains(.removed) { tree[index].note(.removed, by: event) }
        tree.detach(index)
        if let object = tree[index].object { deaths.insert(object, at: tree[index].place) }
        var needed: Set<UInt32> = []
        for orphan in tree.detachAll(below: index).reversed() {
            if tree[orphan].isElsewhere {
                letGo(orphan, &needed)
            } else {
                tree[orphan].isUncertain = true
                end(orphan, &needed)
            }
        }
        end(index, &needed)
    }

    private mutating func end(_ index: UInt32, _ needed: inout Set<UInt32>) {
        tree[index].isLive = false
        leaveOrigin(index)
        if needed.contains(index) { needed.insert(tree[index].place.parent) }
        guard !keepsGone, tree[index].origin == nil else { return }
        if isCounted?(RawPath(tree.path(index))) ?? true { forgottenCount += 1 }
        if !needed.contains(index) { tree.forget(index) }
    }
}
