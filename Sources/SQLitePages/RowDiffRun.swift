/// One comparison of two states.
final class RowDiffRun {
    let before: DatabaseState
    let after: DatabaseState
    let changed: ChangedPages
    let options: RowDiffOptions
    private let matches: SchemaMatches
    /// Those of the matches that are to be told of.
    private let tables: [TableMatch]
    private let emit: (RowDiffItem) -> Bool
    private(set) var isStopped = false
    var leavesSearched = 0
    /// Changed pages that may be overflow pages and whose owner has not been seen.
    var unowned: Set<UInt32> = []
    /// No changed page can be an overflow page after the change.
    var hasNoOverflowChange = false
    /// Pages after the change whose rows were compared.
    var comparedPages: Set<UInt32> = []

    init(
        before: DatabaseState, after: DatabaseState, changed: ChangedPages, options: RowDiffOptions,
        matches: SchemaMatches, tables: [TableMatch], emit: @escaping (RowDiffItem) -> Bool
    ) {
        self.before = before
        self.after = after
        self.changed = changed
        self.options = options
        self.matches = matches
        self.tables = tables
        self.emit = emit
    }

    func tell(_ item: RowDiffItem) {
        if !isStopped { isStopped = !emit(item) }
    }

    func tell() throws(PagesError) {
        let overflow = OverflowOwners(self)
        try overflow.findSuspects()
        after.database.overflowPageRead = { [unowned self] in unowned.remove($0) }
        defer { after.database.overflowPageRead = nil }
        tellSchemaChanges(matches)
        for match in tables where !isStopped {
            attempt(match.name) { () throws(PagesError) in
                let pages = try candidates(match)
                // Most commits touch few of the tables.
                if !pages.areEmpty { try diff(pair(match), pages: pages) }
            }
        }
        guard !unowned.isEmpty, !changed.areAll, !isStopped else { return }
        var pairs: [TablePair] = []
        for match in tables {
            // Why a table cannot be read has been told.
            do throws(PagesError) { pairs.append(try pair(match)) } catch { continue }
        }
        for (pair, leaves) in try overflow.owners(among: pairs) where !isStopped {
            attempt(pair.table.name) { () throws(PagesError) in
                try diff(pair, pages: CandidatePages(old: leaves, new: leaves))
            }
        }
    }

    /// Does what concerns one table; an error is told and ends only that.
    func attempt(_ name: [UInt8], _ body: () throws(PagesError) -> Void) {
        do throws(PagesError) { try body() } catch { tell(.unreadable(table: name, error)) }
    }

    private func pair(_ match: TableMatch) throws(PagesError) -> TablePair {
        let old: TableSide? = if let entry = match.old { try TableSide(entry, in: before) } else { nil }
        let new: TableSide? = if let entry = match.new { try TableSide(entry, in: after) } else { nil }
        let label =
            match.new == nil ? before.schema.label(ofTable: match.name) : after.schema.label(ofTable: match.name)
        return TablePair(old: old, new: new, label: label)
    }

    private func diff(_ pair: TablePair, pages: CandidatePages) throws(PagesError) {
        comparedPages.formUnion(pages.new)
        guard !pages.areEmpty else { return }
        if let old = pair.old, let new = pair.new, old.tree.isTable != new.tree.isTable {
            // Made anew with or without rowid: no row can be the same.
            try diff(
                TablePair(old: old, new: nil, label: pair.table.label), pages: CandidatePages(old: pages.old, new: []))
            try diff(
                TablePair(old: nil, new: new, label: pair.table.label), pages: CandidatePages(old: [], new: pages.new))
        } else if (pair.new ?? pair.old)?.tree.isTable == false {
            try tellRowsJoinedByKey(pair, pages)
        } else if try isRenumbered(pair, pages) {
            tell(.rewritten(pair.table))
            try tellRowsJoinedByValue(pair, pages)
        } else {
            try tellRowsJoinedByRowid(pair, pages)
        }
    }
}

/// The pages of a table whose rows have to be compared, in key order.
struct CandidatePages {
    var old: [UInt32]
    var new: [UInt32]

    var areEmpty: Bool { old.isEmpty && new.isEmpty }
}

extension RowDiffRun {
    /// Pages that are in only one of the trees, or that were written.
    private func candidates(_ match: TableMatch) throws(PagesError) -> CandidatePages {
        let old: TreePages? = if let entry = match.old { try before.tree(root: entry.rootPage) } else { nil }
        if let old, old.root == match.new?.rootPage, old.keepsItsPages(changed) { after.adopt(old) }
        let new: TreePages? = if let entry = match.new { try after.tree(root: entry.rootPage) } else { nil }
        if let old, old === new {
            let leaves = old.changedLeaves(changed)
            return CandidatePages(old: leaves, new: leaves)
        }
        return CandidatePages(old: candidates(old, against: new), new: candidates(new, against: old))
    }

    private func candidates(_ tree: TreePages?, against other: TreePages?) -> [UInt32] {
        guard let tree else { return [] }
        // Rows of a table without rowid are on its interior pages too.
        let pages = tree.isTable ? tree.leaves : tree.interior + tree.leaves
        guard let other, other.isTable == tree.isTable else { return pages }
        return pages.filter { changed.contains($0) || !other.contains($0) }
    }
}
