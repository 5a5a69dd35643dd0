import Block
import Fanotify
import Model
import Store
import Syscalls

/// Where a directory is, as far as a batch is concerned.
struct DirectoryPlacement {
    var batchDirectory: DirectoryIndex
    var isKept: Bool
    /// The place is not known; a later record may tell it.
    var isPending: Bool
    /// The place may be of another time.
    var isDoubtful = false
    /// It belongs to what an overlay prepares.
    var isInWork = false
}

/// What the kernel said of a directory, not yet confirmed.
enum AskedPlace {
    case place(parent: DirectoryTree.Index, name: [UInt8])
    case outside
}

extension Resolver {
    /// Puts the tops of what is recorded into the tree.
    mutating func plantRoots() {
        for (number, root) in scope.roots.enumerated() { plant(root, number: number) }
        for handle in scope.workDirectories { tree[tree.findOrInsert(handle)].isWorkTop = true }
    }

    /// The newest root of a directory names it.
    mutating func plant(_ root: RecordingScope.Root, number: Int) {
        let index = tree.findOrInsert(root.handle)
        tree[index].state = .root
        // Where a tree that is kept is the top of a filesystem too, being kept decides.
        if tree[index].root < 0 || root.isKept { tree[index].root = Int32(truncatingIfNeeded: number) }
        if root.isKept { keptFilesystems.insert(root.handle.filesystem) }
        if root.isKept, let parent = root.parent { tree[tree.findOrInsert(parent)].holdsRoot = true }
    }

    // MARK: The tops themselves

    /// The kept root that is, by its name, this entry of a directory: PATH itself is part of what is recorded.
    ///
    /// Mutating only so that this resolver is lent: a method that is not gets a copy of all of it, for each record.
    mutating func rootWithEntry(_ name: RawSpan, in directory: DirectoryTree.Index) -> Int? {
        guard tree[directory].holdsRoot else { return nil }
        let handle = tree.handle(of: directory)
        return scope.roots.firstIndex { root in
            guard root.isKept, root.parent == handle, root.name.count == name.byteCount else { return false }
            // SAFETY: the buffer is lent for the call and only read.
            return unsafe name.withUnsafeBytes { unsafe root.name.elementsEqual($0) }
        }
    }

    /// The path of a root, as an entry of the batch's dictionary.
    mutating func pathOfRoot(_ root: Int) -> PathIndex {
        let directory = intern(scope.roots[root].path)
        let itself: [UInt8] = []
        // SAFETY: an empty span.
        return unsafe batch.paths.internPath(directory: directory, name: itself.span.bytes)
    }

    /// A directory was made at, or moved to, the path of a root: it is the root from here on.
    mutating func enterRoot(_ index: DirectoryTree.Index, name: RawSpan, in directory: DirectoryTree.Index) {
        guard let root = rootWithEntry(name, in: directory), tree[index].state != .root else { return }
        tree[index].state = .root
        tree[index].root = Int32(truncatingIfNeeded: root)
        scope.roots[root].handle = tree.handle(of: index)
        stamp &+= 1
    }

    /// A root was removed or moved away: what is in it now lies at another path.
    mutating func leaveRoot(_ index: DirectoryTree.Index) {
        let node = tree[index]
        guard node.state == .root, node.root >= 0, scope.roots[Int(node.root)].parent != nil else { return }
        tree[index].state = .unplaced
        tree[index].root = -1
        stamp &+= 1
    }

    /// Where the directory is in the dictionary of the batch, and whether it is recorded.
    ///
    /// Cost: one comparison once the directory was met in this batch.
    @inline(__always)
    mutating func placement(of index: DirectoryTree.Index) -> DirectoryPlacement {
        let node = tree[index]
        if node.stamp == stamp {
            return DirectoryPlacement(
                batchDirectory: node.batchDirectory, isKept: node.isKept, isPending: false,
                isDoubtful: node.pathIsDoubtful, isInWork: node.isInWork)
        }
        return findPlacement(of: index, depth: 0)
    }

    private mutating func findPlacement(of index: DirectoryTree.Index, depth: Int) -> DirectoryPlacement {
        let known = tree[index]
        if known.stamp == stamp {
            return DirectoryPlacement(
                batchDirectory: known.batchDirectory, isKept: known.isKept, isPending: false,
                isDoubtful: known.pathIsDoubtful, isInWork: known.isInWork)
        }
        guard depth < DirectoryTree.maximumDepth else { return standIn(for: index) }
        if known.state == .unplaced { ask(index) }
        let node = tree[index]
        var place: DirectoryPlacement
        switch node.state {
        case .root:
            let root = scope.roots[Int(node.root)]
            place = DirectoryPlacement(
                batchDirectory: intern(root.path), isKept: root.isKept, isPending: false, isDoubtful: node.isDoubtful)
        case .placed:
            let parent = findPlacement(of: node.parent, depth: depth + 1)
            let name = Array(tree.name(of: index))
            // SAFETY: bytes have no padding, and the array outlives the call.
            let directory = unsafe batch.paths.internDirectory(parent: parent.batchDirectory, name: name.span.bytes)
            place = DirectoryPlacement(
                batchDirectory: directory, isKept: parent.isKept, isPending: parent.isPending,
                isDoubtful: node.isDoubtful || parent.isDoubtful, isInWork: node.isWorkTop || parent.isInWork)
        case .outside:
            place = DirectoryPlacement(batchDirectory: 0, isKept: false, isPending: false)
        case .unplaced:
            // Programs are run from filesystems of which nothing is kept, and those may be gone when they are asked for.
            guard keptFilesystems.contains(tree.handle(of: index).filesystem) else {
                return DirectoryPlacement(batchDirectory: 0, isKept: false, isPending: false)
            }
            return standIn(for: index)
        }
        // What is pending is looked at again each time: its place may have become known.
        if !place.isPending {
            tree[index].batchDirectory = place.batchDirectory
            tree[index].isKept = place.isKept
            tree[index].pathIsDoubtful = place.isDoubtful
            tree[index].isInWork = place.isInWork
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
        let isInWork = tree[index].isWorkTop
        if let known = unplaced[index] {
            return DirectoryPlacement(batchDirectory: known, isKept: true, isPending: true, isInWork: isInWork)
        }
        let directory = batch.paths.addUnplacedDirectory()
        unplaced[index] = directory
        return DirectoryPlacement(batchDirectory: directory, isKept: true, isPending: true, isInWork: isInWork)
    }

    /// A record says where a directory is: `name` in `parent`.
    mutating func settle(_ index: DirectoryTree.Index, at parent: DirectoryTree.Index, name: RawSpan) {
        let before = tree[index].state
        asked[index] = nil
        if tree[index].isDoubtful, !renames.ambiguous.contains(index) {
            tree[index].isDoubtful = false
            stamp &+= 1
        }
        if tree[index].state != .root, tree.isAtOrBelow(parent, index) {
            // A directory within itself: renames were joined, and one that lies between stands before or behind. Nobody but
            // the kernel knows where the two are.
            tree[index].state = .unplaced
            tree[index].isDoubtful = true
            renames.suspect(index)
            stamp &+= 1
            return
        }
        guard tree.place(index, parent: parent, name: name) else { return }
        // Everything below has another path now.
        if before == .placed { stamp &+= 1 }
        if before == .outside { forgetOutside() }
        guard let stoodIn = unplaced[index] else { return }
        let parentPlace = placement(of: parent)
        unplaced[index] = nil
        batch.paths.place(stoodIn, parent: parentPlace.batchDirectory, name: name)
        if !parentPlace.isPending {
            tree[index].batchDirectory = stoodIn
            tree[index].isKept = parentPlace.isKept
            tree[index].pathIsDoubtful = tree[index].isDoubtful || parentPlace.isDoubtful
            tree[index].isInWork = tree[index].isWorkTop || parentPlace.isInWork
            tree[index].stamp = stamp
        }
    }

    /// What was found outside may have come in with a directory above it.
    private mutating func forgetOutside() {
        tree.forgetOutside()
        stamp &+= 1
    }

    /// Asks the kernel for the place of a directory that no record has told; at most once per read buffer.
    private mutating func ask(_ index: DirectoryTree.Index) {
        guard tree[index].triedInBuffer != bufferSerial, asked[index] == nil else { return }
        tree[index].triedInBuffer = bufferSerial
        let answer = locate(index)
        // After the answer: a queue that was seen empty while the kernel was asked may since have got a rename that the
        // answer knows of already.
        askedAt = Clock.realtime()
        switch answer {
        case .found(let links, let top):
            var parent = tree.findOrInsert(top)
            for link in links.reversed() {
                let child = tree.findOrInsert(link.handle)
                if tree[child].state == .unplaced, asked[child] == nil {
                    asked[child] = .place(parent: parent, name: link.name)
                }
                parent = child
            }
        case .outside:
            asked[index] = .outside
        case .stale, .refused:
            break
        }
    }

    /// A directory is about to move: what was asked for below it is true of the time before.
    mutating func confirmAskedPlaces(below ancestor: DirectoryTree.Index) {
        guard !asked.isEmpty else { return }
        var below: [DirectoryTree.Index: AskedPlace] = [:]
        for (index, place) in asked where index != ancestor && isAtOrBelow(index, ancestor) { below[index] = place }
        for index in below.keys { asked[index] = nil }
        confirm(below)
    }

    /// By what is known and what was asked.
    ///
    /// Mutating only so that this resolver is lent: a renamed directory has it asked for each event that is not placed yet, and
    /// a method that is not mutating gets a copy of the resolver each time.
    mutating func isAtOrBelow(_ index: DirectoryTree.Index, _ ancestor: DirectoryTree.Index) -> Bool {
        // A record that names no directory is below none.
        guard index != DirectoryTree.none else { return false }
        if index == ancestor { return true }
        var current = index
        for _ in 0..<DirectoryTree.maximumDepth {
            if case .place(let parent, _) = asked[current] {
                current = parent
            } else if tree[current].state == .placed {
                current = tree[current].parent
            } else {
                return false
            }
            if current == ancestor { return true }
        }
        return false
    }

    /// The queue holds nothing older any more: what the kernel said is true of all that was read since.
    mutating func confirmAskedPlaces() {
        if !provisional.isEmpty {
            for index in provisional where !renames.ambiguous.contains(index) { tree[index].isDoubtful = false }
            provisional.removeAll(keepingCapacity: true)
            stamp &+= 1
        }
        believedOutside.removeAll(keepingCapacity: true)
        leftOut = UnresolvedCount()
        guard !asked.isEmpty else { return }
        let confirmed = asked
        asked.removeAll(keepingCapacity: true)
        confirm(confirmed)
    }

    /// The batch ends before a later reading confirmed what the kernel said: it is used, and marked as doubtful until then.
    ///
    /// Events of a directory that is outside by now are left out, but counted: should a record tell that one was moved out
    /// meanwhile, they are a gap.
    mutating func useAskedPlaces() {
        guard !asked.isEmpty else { return }
        let places = asked
        asked.removeAll(keepingCapacity: true)
        confirm(places)
        for index in places.keys {
            if tree[index].state == .placed {
                tree[index].isDoubtful = true
                provisional.append(index)
            } else if tree[index].state == .outside {
                believedOutside.insert(index)
            }
        }
        stamp &+= 1
    }

    /// A directory was moved out of everything that is recorded: events of before may have been left out as if they had
    /// happened there.
    mutating func countWhatWasLeftOut() {
        guard let gap = leftOut.gap else { return }
        counters.unresolved.add(leftOut.count)
        additions.gaps.append(gap)
        leftOut = UnresolvedCount()
    }

    private mutating func confirm(_ confirmed: [DirectoryTree.Index: AskedPlace]) {
        for (index, place) in confirmed where tree[index].state == .unplaced {
            switch place {
            case .place(let parent, let name):
                // SAFETY: bytes have no padding, and the array outlives the call.
                unsafe settle(index, at: parent, name: name.span.bytes)
            case .outside:
                tree[index].state = .outside
            }
        }
    }

    /// Puts a directory where the kernel says it is now.
    mutating func relocate(_ index: DirectoryTree.Index) {
        switch locate(index) {
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

    private mutating func locate(_ index: DirectoryTree.Index) -> DirectoryLocation {
        counters.directoriesResolved.add(1)
        return directories.locate(tree.handle(of: index)) { [tree] handle in
            let known = tree.find(handle)
            return known != DirectoryTree.none && (tree[known].state == .placed || tree[known].state == .root)
        }
    }

    /// The whole path of a directory by what is known and, for programs, good enough: what was asked. nil where neither
    /// tells.
    func pathBytes(of index: DirectoryTree.Index) -> [UInt8]? {
        var names: [ArraySlice<UInt8>] = []
        var current = index
        while tree[current].state != .root {
            guard names.count < DirectoryTree.maximumDepth else { return nil }
            if tree[current].state == .placed {
                names.append(tree.name(of: current))
                current = tree[current].parent
            } else if case .place(let parent, let name) = asked[current] {
                names.append(name[...])
                current = parent
            } else {
                return nil
            }
        }
        var bytes = scope.roots[Int(tree[current].root)].path.bytes
        for name in names.reversed() {
            if bytes.last != UInt8(ascii: "/") { bytes.append(UInt8(ascii: "/")) }
            bytes.append(contentsOf: name)
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
