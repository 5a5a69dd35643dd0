import Block
import Fanotify
import Model

/// Where a directory is, as far as a batch is concerned.
struct DirectoryPlacement {
    var batchDirectory: DirectoryIndex
    var isKept: Bool
    /// The place is not known; a later record may tell it.
    var isPending: Bool
}

extension Resolver {
    /// Puts the tops of what is recorded into the tree.
    mutating func plantRoots() {
        for (number, root) in scope.roots.enumerated() {
            let index = tree.findOrInsert(root.handle)
            tree[index].state = .root
            // Where a tree that is kept is the top of a filesystem too, being kept decides.
            if tree[index].root < 0 || root.isKept { tree[index].root = Int32(truncatingIfNeeded: number) }
        }
    }

    /// Where the directory is in the dictionary of the batch, and whether it is recorded.
    ///
    /// Cost: one comparison once the directory was met in this batch.
    @inline(__always)
    mutating func placement(of index: DirectoryTree.Index) -> DirectoryPlacement {
        let node = tree[index]
        if node.stamp == stamp {
            return DirectoryPlacement(batchDirectory: node.batchDirectory, isKept: node.isKept, isPending: false)
        }
        return findPlacement(of: index, depth: 0)
    }

    private mutating func findPlacement(of index: DirectoryTree.Index, depth: Int) -> DirectoryPlacement {
        let known = tree[index]
        if known.stamp == stamp {
            return DirectoryPlacement(batchDirectory: known.batchDirectory, isKept: known.isKept, isPending: false)
        }
        guard depth < DirectoryTree.maximumDepth else { return standIn(for: index) }
        if known.state == .unplaced { ask(index) }
        let node = tree[index]
        var place: DirectoryPlacement
        switch node.state {
        case .root:
            let root = scope.roots[Int(node.root)]
            place = DirectoryPlacement(batchDirectory: intern(root.path), isKept: root.isKept, isPending: false)
        case .placed:
            let parent = findPlacement(of: node.parent, depth: depth + 1)
            let name = Array(tree.name(of: index))
            // SAFETY: bytes have no padding, and the array outlives the call.
            let directory = unsafe batch.paths.internDirectory(parent: parent.batchDirectory, name: name.span.bytes)
            place = DirectoryPlacement(
                batchDirectory: directory, isKept: parent.isKept, isPending: parent.isPending)
        case .outside:
            place = DirectoryPlacement(batchDirectory: 0, isKept: false, isPending: false)
        case .unplaced:
            return standIn(for: index)
        }
        // What is pending is looked at again each time: its place may have become known.
        if !place.isPending {
            tree[index].batchDirectory = place.batchDirectory
            tree[index].isKept = place.isKept
            tree[index].stamp = stamp
        }
        return place
    }

    /// The directory in the dictionary for the far side of a rename that lies outside of everything recorded.
    mutating func batchDirectory(of index: DirectoryTree.Index, _ place: DirectoryPlacement) -> DirectoryIndex {
        guard tree[index].state == .outside else { return place.batchDirectory }
        return standIn(for: index).batchDirectory
    }

    /// A nameless directory of the batch that stands for one whose place is not known.
    private mutating func standIn(for index: DirectoryTree.Index) -> DirectoryPlacement {
        if let known = unplaced[index] {
            return DirectoryPlacement(batchDirectory: known, isKept: true, isPending: true)
        }
        let directory = batch.paths.addUnplacedDirectory()
        unplaced[index] = directory
        return DirectoryPlacement(batchDirectory: directory, isKept: true, isPending: true)
    }

    /// A record says where a directory is: `name` in `parent`.
    mutating func settle(_ index: DirectoryTree.Index, at parent: DirectoryTree.Index, name: RawSpan) {
        let wasKnown = tree[index].state == .placed
        guard tree.place(index, parent: parent, name: name) else { return }
        // Everything below has another path now.
        if wasKnown { stamp &+= 1 }
        guard let stoodIn = unplaced[index] else { return }
        let parentPlace = placement(of: parent)
        unplaced[index] = nil
        batch.paths.place(stoodIn, parent: parentPlace.batchDirectory, name: name)
        if !parentPlace.isPending {
            tree[index].batchDirectory = stoodIn
            tree[index].isKept = parentPlace.isKept
            tree[index].stamp = stamp
        }
    }

    /// Asks the kernel for the place of a directory that no record has told; at most once per read buffer.
    private mutating func ask(_ index: DirectoryTree.Index) {
        guard tree[index].triedInBuffer != bufferSerial else { return }
        tree[index].triedInBuffer = bufferSerial
        relocate(index)
    }

    /// Puts a directory where the kernel says it is now.
    mutating func relocate(_ index: DirectoryTree.Index) {
        counters.directoriesResolved.add(1)
        let handle = tree.handle(of: index)
        let location = directories.locate(handle) { [tree] handle in
            let known = tree.find(handle)
            return known != DirectoryTree.none && (tree[known].state == .placed || tree[known].state == .root)
        }
        switch location {
        case .found(let links, let top):
            var parent = tree.findOrInsert(top)
            for link in links.reversed() {
                let child = tree.findOrInsert(link.handle)
                // SAFETY: bytes have no padding, and the array outlives the call.
                unsafe settle(child, at: parent, name: link.name.span.bytes)
                parent = child
            }
        case .outside:
            tree[index].state = .outside
        case .stale, .refused:
            break
        }
    }

    /// The whole path of a directory by the tree alone, nil where it is not known.
    func pathBytes(of index: DirectoryTree.Index) -> [UInt8]? {
        var chain: [DirectoryTree.Index] = []
        var current = index
        while tree[current].state == .placed {
            guard chain.count < DirectoryTree.maximumDepth else { return nil }
            chain.append(current)
            current = tree[current].parent
        }
        guard tree[current].state == .root else { return nil }
        var bytes = scope.roots[Int(tree[current].root)].path.bytes
        for directory in chain.reversed() {
            if bytes.last != UInt8(ascii: "/") { bytes.append(UInt8(ascii: "/")) }
            bytes.append(contentsOf: tree.name(of: directory))
        }
        return bytes
    }

    /// The directory of the batch's dictionary with this absolute path.
    private mutating func intern(_ path: RawPath) -> DirectoryIndex {
        var directory: DirectoryIndex = 0
        for component in path.bytes.split(separator: UInt8(ascii: "/")) {
            let name = Array(component)
            // SAFETY: bytes have no padding, and the array outlives the call.
            directory = unsafe batch.paths.internDirectory(parent: directory, name: name.span.bytes)
        }
        return directory
    }
}
