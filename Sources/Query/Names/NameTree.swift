internal import Model

/// The nodes of names and which of them lies where, from `/` down.
///
/// Pure structure: what an event means is `NameForest`'s. A node is called by its index, which stays its own until it is
/// forgotten. What lies below a directory moves with it, without a look at it. No place is its own ancestor: whoever attaches
/// a node asks `isAtOrBelow` first.
struct NameTree {
    static let root: UInt32 = 0
    private static let none: UInt32 = .max

    /// A node's place in the list of its directory's children.
    private struct Links {
        var firstChild = NameTree.none
        var next = NameTree.none
        var previous = NameTree.none
        var isFree = false
    }

    private var nodes: [NameNode]
    private var links = [Links()]
    private var places: [NamePlace: UInt32] = [:]
    private var free: [UInt32] = []

    init() {
        var root = NameNode(NamePlace(parent: Self.none, name: []), witnessed: .distantPast)
        root.isDirectory = true
        nodes = [root]
    }

    /// How many nodes are held, attached or not, the root included.
    var count: Int { nodes.count - free.count }

    /// Every node but the root, attached or not.
    var indices: [UInt32] {
        (0..<UInt32(nodes.count)).dropFirst().filter { !links[Int($0)].isFree }
    }

    subscript(index: UInt32) -> NameNode {
        get { nodes[Int(index)] }
        _modify { yield &nodes[Int(index)] }
    }

    /// What lies at a place now.
    subscript(place: NamePlace) -> UInt32? { places[place] }

    // MARK: Paths

    /// The path that a node has, or had when it was removed.
    func path(_ index: UInt32) -> [UInt8] {
        path(index) { $0.place }
    }

    /// The path that a node with an origin had at the moment of origins.
    func originPath(_ index: UInt32) -> [UInt8] {
        path(index) { $0.origin }
    }

    private func path(_ index: UInt32, _ place: (NameNode) -> NamePlace?) -> [UInt8] {
        var names: [[UInt8]] = []
        var index = index
        // Places form no cycle; the count is a second thought about that.
        while index != Self.root, names.count <= nodes.count, let place = place(nodes[Int(index)]) {
            names.append(place.name)
            index = place.parent
        }
        guard !names.isEmpty else { return [UInt8(ascii: "/")] }
        return names.reversed().reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    }

    /// Whether a node is `directory` or lies below it.
    func isAtOrBelow(_ index: UInt32, _ directory: UInt32) -> Bool {
        var index = index
        while index != Self.none {
            if index == directory { return true }
            index = nodes[Int(index)].place.parent
        }
        return false
    }

    // MARK: Changes

    /// Adds a node at its place, where nothing lies.
    mutating func insert(_ node: NameNode) -> UInt32 {
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
            nodes[Int(index)] = node
            links[Int(index)] = Links()
        } else {
            index = UInt32(nodes.count)
            nodes.append(node)
            links.append(Links())
        }
        attach(index, node.place)
        return index
    }

    /// Gives a detached node a place where nothing lies.
    mutating func attach(_ index: UInt32, _ place: NamePlace) {
        nodes[Int(index)].place = place
        places[place] = index
        let first = links[Int(place.parent)].firstChild
        links[Int(index)].previous = Self.none
        links[Int(index)].next = first
        if first != Self.none { links[Int(first)].previous = index }
        links[Int(place.parent)].firstChild = index
    }

    /// Takes a node off its place, which it remembers; one that lies nowhere stays as it is.
    mutating func detach(_ index: UInt32) {
        let place = nodes[Int(index)].place
        guard places[place] == index else { return }
        places[place] = nil
        let link = links[Int(index)]
        if link.previous != Self.none { links[Int(link.previous)].next = link.next }
        if link.next != Self.none { links[Int(link.next)].previous = link.previous }
        if links[Int(place.parent)].firstChild == index { links[Int(place.parent)].firstChild = link.next }
        links[Int(index)].previous = Self.none
        links[Int(index)].next = Self.none
    }

    /// Detaches all that lies below a node, and gives it.
    mutating func detachAll(below index: UInt32) -> [UInt32] {
        var found: [UInt32] = []
        var rest = [index]
        while let directory = rest.popLast() {
            while case let child = links[Int(directory)].firstChild, child != Self.none {
                detach(child)
                found.append(child)
                rest.append(child)
            }
        }
        return found
    }

    /// Drops a node that is detached and has nothing below it; its index is used again.
    mutating func forget(_ index: UInt32) {
        links[Int(index)].isFree = true
        free.append(index)
    }
}
