/// The pages of one b-tree, found by reading its interior pages and one leaf.
///
/// All leaves of a b-tree stand at the same depth, so the children of the lowest interior level are leaves without
/// being looked at.
package final class TreePages {
    /// SQLite's own limit (BTCURSOR_MAX_DEPTH).
    private static let greatestDepth = 20

    package let root: UInt32
    /// Keys are rowids; else they are records.
    package let isTable: Bool
    /// From the root downwards, each level in key order.
    package private(set) var interior: [UInt32] = []
    /// In key order.
    package private(set) var leaves: [UInt32] = []
    private(set) var interiorSet: Set<UInt32> = []
    /// Where each leaf stands in `leaves`.
    private(set) var leafPositions: [UInt32: Int] = [:]

    /// Cost: reads the interior pages and one leaf.
    ///
    /// Throws: `.damaged` for pages that are reached twice, levels of different kinds, and more than 20 levels.
    package init(root: UInt32, in database: PagedDatabase) throws(PagesError) {
        self.root = root
        var level = [root]
        var depth = 1
        var page = try database.treePage(root)
        isTable = page.kind.isTable
        while !page.kind.isLeaf {
            var children: [UInt32] = []
            let kind = page.kind
            for number in level {
                if number != page.number { page = try database.treePage(number) }
                guard page.kind == kind else { throw .damaged(page: number, "not of the kind of its neighbours") }
                guard interiorSet.insert(number).inserted else {
                    throw .damaged(page: number, "reached twice in one b-tree")
                }
                for index in 0..<page.cellCount { children.append(try page.child(index)) }
                children.append(page.rightChild)
            }
            guard children.count <= Int(database.pageCount) else {
                throw .damaged(page: root, "a b-tree has more pages than the database")
            }
            interior += level
            level = children
            depth += 1
            guard depth <= Self.greatestDepth, let first = level.first else {
                throw .damaged(page: root, "a b-tree has more levels than SQLite makes")
            }
            page = try database.treePage(first)
            guard page.kind.isTable == isTable else { throw .damaged(page: first, "not of the kind of its parent") }
        }
        leaves = level
        leafPositions.reserveCapacity(leaves.count)
        for (position, leaf) in leaves.enumerated() {
            guard leaf >= 1, leaf <= database.pageCount, !interiorSet.contains(leaf),
                leafPositions.updateValue(position, forKey: leaf) == nil
            else { throw .damaged(page: root, "a b-tree leads to page \(leaf) twice or beyond the end") }
        }
    }

    package func contains(_ page: UInt32) -> Bool {
        leafPositions[page] != nil || interiorSet.contains(page)
    }

    /// True when the tree with this root is sure to have the same pages after `changed` were written: which pages it has
    /// is written on its interior pages alone, but for a root that is a leaf.
    func keepsItsPages(_ changed: ChangedPages) -> Bool {
        if changed.areAll { return false }
        if interior.isEmpty { return !changed.contains(root) }
        return changed.numbers.allSatisfy { !interiorSet.contains($0) }
    }

    /// The leaves among `changed`, in key order.
    func changedLeaves(_ changed: ChangedPages) -> [UInt32] {
        if changed.areAll { return leaves }
        return changed.numbers.compactMap { leafPositions[$0] }.sorted().map { leaves[$0] }
    }
}
