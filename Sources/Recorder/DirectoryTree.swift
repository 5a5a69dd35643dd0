import Fanotify
import Model

/// The directories that events have named so far: file handle → (parent, name), so that a path costs no system call.
///
/// A tree and not strings, because the rename of a directory is the only notice its descendants get: a filesystem mark
/// reports the directory entry and nothing below it. The table over handles is open addressing with a seed per run, so
/// that a user who can choose inode numbers cannot choose collisions.
///
/// Bounded: the caller clears the tree when it is full, and it fills again. Thread: the resolve thread only.
struct DirectoryTree {
    typealias Index = Int32
    static let none: Index = -1
    static let maximumNodeCount = 262_144
    static let maximumNameByteCount = 32 << 20
    /// No path has more components: PATH_MAX is 4096 and a component takes two bytes. Also ends a walk in a tree that
    /// merged records have tied into a knot.
    static let maximumDepth = 2_048

    enum State: UInt8 {
        /// Known only by its handle; a later record may still tell its place.
        case unplaced
        /// `parent` and the name are known.
        case placed
        /// The top of a filesystem, or of a tree that is kept; `root` tells which.
        case root
        /// Not below anything that the recorder was asked for or can see.
        case outside
    }

    struct Node {
        var parent: Index = none
        var nameOffset: UInt32 = 0
        var nameByteCount: UInt16 = 0
        var state: State = .unplaced
        var isKept = false
        /// Its place may be of another time than its events: a rename may lie between, or renames were joined.
        var isDoubtful = false
        /// The same of itself or a directory above, while `stamp` is the resolver's.
        var pathIsDoubtful = false
        /// The work directory of an overlay.
        var isWorkTop = false
        /// The same of itself or a directory above, while `stamp` is the resolver's.
        var isInWork = false
        /// It carries a mark of its own.
        var isWatched = false
        /// It should, and cannot; a gap says so.
        var isUnmarkable = false
        /// One of its entries is, by its name, a kept root.
        var holdsRoot = false
        /// Index into the scope's roots while `state` is `.root`.
        var root: Int32 = -1
        /// Where this directory stands in the dictionary of the batch being gathered, while `stamp` is the resolver's.
        var batchDirectory: UInt32 = 0
        var stamp: UInt64 = 0
        /// The read buffer in which the kernel was last asked for it; no handle is tried twice in one.
        var triedInBuffer: UInt64 = 0
        /// Which of all renames of directories moved it last; 0 for none.
        var movedBy: UInt64 = 0
    }

    private(set) var nodes: [Node] = []
    private var handles: [FileHandle] = []
    private var nameBytes: [UInt8] = []
    private var slots: [Index]
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        slots = [Index](repeating: Self.none, count: 1_024)
    }

    var isFull: Bool { nodes.count >= Self.maximumNodeCount || nameBytes.count >= Self.maximumNameByteCount }

    subscript(index: Index) -> Node {
        get { nodes[Int(index)] }
        set { nodes[Int(index)] = newValue }
    }

    func handle(of index: Index) -> FileHandle { handles[Int(index)] }

    /// Forgets everything; the caller puts the roots back.
    mutating func removeAll() {
        nodes.removeAll(keepingCapacity: true)
        handles.removeAll(keepingCapacity: true)
        nameBytes.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = Self.none }
    }

    /// Forgets everything but directories that carry a mark, and where they are; indices change. The caller puts the roots
    /// back.
    mutating func keepWatched() {
        let before = self
        removeAll()
        var kept = [Index](repeating: Self.none, count: before.nodes.count)
        for index in before.nodes.indices {
            let node = before.nodes[index]
            guard node.isWatched || node.isUnmarkable else { continue }
            let child = findOrInsert(before.handles[index])
            kept[index] = child
            nodes[Int(child)].isWatched = node.isWatched
            nodes[Int(child)].isUnmarkable = node.isUnmarkable
            nodes[Int(child)].isDoubtful = node.isDoubtful
            if node.state == .outside { nodes[Int(child)].state = .outside }
        }
        for index in before.nodes.indices where kept[index] != Self.none && before.nodes[index].state == .placed {
            // A parent without a mark is a root, or was left behind: then it is known by its handle only.
            let parent = findOrInsert(before.handles[Int(before.nodes[index].parent)])
            let name = Array(before.name(of: Index(truncatingIfNeeded: index)))
            // SAFETY: bytes have no padding, and the array outlives the call.
            unsafe place(kept[index], parent: parent, name: name.span.bytes)
        }
    }

    /// Everything that carries a mark and was not found is outside.
    mutating func leaveUnplacedWatched() {
        for index in nodes.indices where nodes[index].isWatched && nodes[index].state == .unplaced {
            nodes[index].state = .outside
        }
    }

    /// The directory with this handle, or `none`.
    func find(_ handle: FileHandle) -> Index {
        slots[slot(for: handle)]
    }

    /// The directory with this handle, added when it is new.
    mutating func findOrInsert(_ handle: FileHandle) -> Index {
        var slot = slot(for: handle)
        if slots[slot] != Self.none { return slots[slot] }
        if (nodes.count + 1) * 2 > slots.count {
            grow()
            slot = self.slot(for: handle)
        }
        let index = Index(truncatingIfNeeded: nodes.count)
        nodes.append(Node())
        handles.append(handle)
        slots[slot] = index
        return index
    }

    /// True when `index` is `ancestor` or lies below it, by what is placed.
    func isAtOrBelow(_ index: Index, _ ancestor: Index) -> Bool {
        var current = index
        for _ in 0..<Self.maximumDepth {
            if current == ancestor { return true }
            guard current >= 0, nodes[Int(current)].state == .placed else { return false }
            current = nodes[Int(current)].parent
        }
        // Deeper than any path, or a knot: it must not be tied further.
        return true
    }

    /// True when a directory, or one above it, was moved by a rename after number `rename`.
    func wasMoved(_ index: Index, after rename: UInt64) -> Bool {
        var current = index
        for _ in 0..<Self.maximumDepth {
            guard current >= 0 else { return false }
            let node = nodes[Int(current)]
            if node.movedBy > rename { return true }
            guard node.state == .placed else { return false }
            current = node.parent
        }
        return true
    }

    /// Says where a directory is. True when that is news.
    @discardableResult
    mutating func place(_ index: Index, parent: Index, name: RawSpan) -> Bool {
        let node = nodes[Int(index)]
        // A kept root keeps the name that the user gave it, and nothing can be its own parent.
        guard node.state != .root, parent != index else { return false }
        if isPlaced(index, at: parent, name: name) { return false }
        nodes[Int(index)].nameOffset = UInt32(truncatingIfNeeded: nameBytes.count)
        nodes[Int(index)].nameByteCount = UInt16(truncatingIfNeeded: name.byteCount)
        nodes[Int(index)].parent = parent
        nodes[Int(index)].state = .placed
        nodes[Int(index)].stamp = 0
        // SAFETY: the buffer is lent for the call and only read.
        unsafe name.withUnsafeBytes { unsafe nameBytes.append(contentsOf: $0.prefix(Int(UInt16.max))) }
        return true
    }

    /// Nothing is known of the directories of a filesystem any more but their handles.
    mutating func forget(_ filesystem: FilesystemID) {
        for index in nodes.indices where handles[index].filesystem == filesystem { nodes[index] = Node() }
    }

    /// Everything that was found outside has to be asked for again.
    mutating func forgetOutside() {
        // Of one that carries a mark, its own record will tell where it comes in again.
        for index in nodes.indices where nodes[index].state == .outside && !nodes[index].isWatched {
            nodes[index].state = .unplaced
            nodes[index].triedInBuffer = 0
        }
    }

    func isPlaced(_ index: Index, at parent: Index, name: RawSpan) -> Bool {
        let node = nodes[Int(index)]
        guard node.state == .placed, node.parent == parent, Int(node.nameByteCount) == name.byteCount else {
            return false
        }
        let known = self.name(of: index)
        // SAFETY: the buffer is lent for the call and only read.
        return unsafe name.withUnsafeBytes { unsafe known.elementsEqual($0) }
    }

    /// The bytes of a placed directory's name.
    func name(of index: Index) -> ArraySlice<UInt8> {
        let node = nodes[Int(index)]
        let start = Int(node.nameOffset)
        return nameBytes[start..<start + Int(node.nameByteCount)]
    }

    private func slot(for handle: FileHandle) -> Int {
        let slotMask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: handle.hashValue(seed: seed)) & slotMask
        while slots[slot] != Self.none, handles[Int(slots[slot])] != handle {
            slot = (slot &+ 1) & slotMask
        }
        return slot
    }

    private mutating func grow() {
        slots = [Index](repeating: Self.none, count: slots.count * 2)
        for index in nodes.indices {
            slots[slot(for: handles[index])] = Index(truncatingIfNeeded: index)
        }
    }
}
