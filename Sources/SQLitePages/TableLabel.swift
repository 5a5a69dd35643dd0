/// Whose table it is.
package enum TableLabel: Equatable, Sendable {
    case user
    /// SQLite's own: `sqlite_sequence`, `sqlite_stat1` and the like.
    case `internal`
    /// Where a virtual table keeps its content. The name in UTF-8.
    case shadow(of: [UInt8])

    /// Of all modules together.
    static let allShadowSuffixes = ["fts5", "fts4", "rtree"].reduce(into: Set()) {
        $0.formUnion(shadowSuffixes(ofModule: $1))
    }

    /// The shadow tables of the virtual tables that come with SQLite; none for others, whose tables are then shown.
    static func shadowSuffixes(ofModule module: String) -> Set<String> {
        switch module {
        case "fts5": ["data", "idx", "content", "docsize", "config"]
        case "fts3", "fts4": ["content", "segments", "segdir", "docsize", "stat"]
        case "rtree", "rtree_i32", "geopoly": ["node", "rowid", "parent"]
        default: []
        }
    }
}
