/// Tells which rows differ between two states of a database, given the pages that were written between them.
///
/// *Method.* For each table the pages of its b-tree are found on both sides by reading interior pages only. Rows are read
/// where a page is in only one of the trees or was written; all others are the same. Being in the tree matters, not what
/// the page holds: DROP TABLE and a DELETE of all rows leave the leaves as they were. Rows are joined by rowid, in a table
/// without rowid by its primary key. An overflow page can change without its leaf; who owns it is found out.
///
/// *Cost.* Reads the interior pages of the tables and the written pages, not the tables. Where an overflow page changed
/// alone and the database has no pointer map, the leaves of the tables are searched until its owner is found.
///
/// *Thread*: one at a time. Successive diffs of one database go on from where the last one ended.
package final class RowDiffer {
    private var before: DatabaseState
    private let options: RowDiffOptions
    /// What the tables were when the schema last stayed the same.
    private var unchanged: (schema: Schema, matches: SchemaMatches, tables: [TableMatch])?

    /// Throws: what reading the schema of the first state throws.
    package init(from source: any PageSource, options: RowDiffOptions = RowDiffOptions()) throws(PagesError) {
        before = try DatabaseState(PagedDatabase(source))
        self.options = options
    }

    /// Tells what differs between the state that stands and `source`, which stands afterwards.
    ///
    /// Parameters: `changedPages` are all pages that were written between the two, in any order; pages that are the same do
    /// no harm. Nil when that is not known: then all pages are compared. `emit` returns false when it wants no more.
    ///
    /// Throws: what concerns the database as a whole. What concerns one table is told as `.unreadable`.
    package func advance(
        to source: any PageSource, changedPages: [UInt32]?, emit: @escaping (RowDiffItem) -> Bool
    ) throws(PagesError) -> RowDiffSummary {
        let database = try PagedDatabase(source)
        before.database.resetLimits()
        let readBefore = before.database.pagesRead
        let changed = try ChangedPages(among: changedPages, from: before.database, to: database)
        let after = try DatabaseState(database, after: before, changed: changed)
        var summary = RowDiffSummary()
        if changed.areAll || !changed.numbers.isEmpty {
            let (matches, tables) = tablesToCompare(after)
            let run = RowDiffRun(
                before: before, after: after, changed: changed, options: options, matches: matches, tables: tables,
                emit: emit)
            try run.tell()
            summary.leavesSearched = run.leavesSearched
            summary.endedEarly = run.isStopped
        }
        summary.changedPageCount = changed.areAll ? Int(source.pageCount) : changed.numbers.count
        summary.pagesRead = before.database.pagesRead - readBefore + database.pagesRead
        before = after
        return summary
    }

    /// The tables of both states that the options ask for. They stay the same as long as the schema does.
    private func tablesToCompare(_ after: DatabaseState) -> (SchemaMatches, [TableMatch]) {
        if before.schema === after.schema, let unchanged, unchanged.schema === after.schema {
            return (unchanged.matches, unchanged.tables)
        }
        let matches = SchemaMatches(from: before.schema, to: after.schema)
        let tables = matches.tables.filter { match in
            [(match.old, before.schema), (match.new, after.schema)].contains { entry, schema in
                entry.map { options.includes($0.name, label: schema.label(ofTable: $0.name)) } ?? false
            }
        }
        if before.schema === after.schema { unchanged = (after.schema, matches, tables) }
        return (matches, tables)
    }
}
