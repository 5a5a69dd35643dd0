/// Why pages could not be understood as an SQLite database.
package enum PagesError: Error, Equatable {
    /// The first page is not that of an SQLite database, or it is encrypted.
    case notADatabase(String)
    /// A page holds what SQLite never writes.
    case damaged(page: UInt32, String)
    /// The source does not hold a page that the database needs.
    case missing(page: UInt32)
    /// The source could not read a page.
    case unreadable(page: UInt32, String)
    /// A limit was reached: what the pages ask for is more than a sound database of that size could need.
    case limit(String)
}

extension PagesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notADatabase(let reason): reason
        case .damaged(let page, let what): "page \(page) is damaged: \(what)"
        case .missing(let page): "page \(page) is missing"
        case .unreadable(let page, let reason): "page \(page) cannot be read: \(reason)"
        case .limit(let what): what
        }
    }
}
