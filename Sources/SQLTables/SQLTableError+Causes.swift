internal import CSQLite
internal import Query
internal import Store

extension SQLTableError {
    /// Any error of the rooms below, in the words that a person gets.
    init(_ error: any Error) {
        self.init(Failures.explain(error).1, code: Self.code(error))
    }

    private static func code(_ error: any Error) -> Int32 {
        guard let error = error as? StoreError else { return SQLITE_ERROR }
        return switch error.code {
        case .busy: SQLITE_BUSY
        case .corrupt, .badBlock: corruptTable
        case .notAStore, .cannotRead: SQLITE_CANTOPEN
        default: SQLITE_ERROR
        }
    }
}
