/// A database at one moment, as a diff knows it: schema and the pages of the b-trees that were looked at.
final class DatabaseState {
    let database: PagedDatabase
    let schema: Schema
    private var trees: [UInt32: TreePages] = [:]
    /// By CREATE text.
    private var definitions: [[UInt8]: TableDefinition?] = [:]

    /// Parameters: `earlier` is another state whose trees can be taken over where `changed` left them alone.
    init(
        _ database: PagedDatabase, after earlier: DatabaseState? = nil, changed: ChangedPages? = nil
    ) throws(PagesError) {
        self.database = database
        if let earlier, let changed {
            for (root, tree) in earlier.trees where tree.keepsItsPages(changed) { trees[root] = tree }
            definitions = earlier.definitions
            if let tree = trees[1], tree.leaves.allSatisfy({ !changed.contains($0) }) {
                schema = earlier.schema
                return
            }
        }
        definitions = [:]
        guard database.pageCount > 0 else {
            schema = Schema()
            return
        }
        let tree: TreePages = if let known = trees[1] { known } else { try TreePages(root: 1, in: database) }
        trees[1] = tree
        schema = try Schema(of: database, tree: tree)
    }

    /// Takes a tree over from an earlier state in which it had the same pages.
    func adopt(_ tree: TreePages) {
        if trees[tree.root] == nil { trees[tree.root] = tree }
    }

    /// The columns of a table; nil where its CREATE text cannot be read.
    func definition(of entry: SchemaEntry) -> TableDefinition? {
        if let known = definitions[entry.sql] { return known }
        let definition = TableDefinition(createTable: entry.sql)
        definitions[entry.sql] = .some(definition)
        return definition
    }

    func tree(root: UInt32) throws(PagesError) -> TreePages {
        if let known = trees[root] { return known }
        let tree = try TreePages(root: root, in: database)
        trees[root] = tree
        return tree
    }
}
