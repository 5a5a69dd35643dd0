/// What chooses the events that a table counts: the options of the command line, as hidden columns.
///
/// They are arguments, not values of rows: what was counted cannot be told apart any more, so a condition on an argument is
/// taken over by the table or refused, never left for SQLite to check.
enum CountingOption: String, CaseIterable, Sendable {
    case since, until, path, under, op, pid, comm, exe, user
    case loginUser = "login_user"
    case unit, container, overlapping
    /// Of some tables only.
    case by, every, top

    /// Those that select events, in the order in which a table takes them.
    static let selecting: [CountingOption] = [
        .since, .until, .path, .under, .op, .pid, .comm, .exe, .user, .loginUser, .unit, .container, .overlapping,
    ]

    /// The hidden columns of a table: the store, what only this table takes, what selects.
    static func columns(_ own: [CountingOption] = []) -> [SQLColumn] {
        [TableKind.storeColumn] + (own + selecting).map(\.column)
    }

    private var column: SQLColumn {
        switch self {
        case .since, .until, .by, .every, .top, .overlapping: SQLColumn(rawValue, .argument, .option)
        // Values of one option are alternatives, so all of an IN are one question.
        default: SQLColumn(rawValue, .argument, .alternatives)
        }
    }
}

extension TableKind {
    /// Why a condition on an argument cannot be met. Parameter comparison: the operator, and what it is compared as.
    func refusal(of column: Int, _ comparison: String) -> SQLTableError {
        let option = columns[column].name
        return SQLTableError(
            "\(name) cannot be narrowed by '\(option) \(comparison)': its rows are counts already; \(Self.remedy(option))"
        )
    }

    /// Why an argument that was not given, or not so that it could be taken over, cannot be read.
    func refusal(ofReading column: Int) -> SQLTableError {
        let option = columns[column].name
        return SQLTableError(
            "\(option) is an argument of \(name), not a value of its rows, and cannot stand within OR, NOT or an expression, "
                + "or be read where it is not given; \(Self.remedy(option))")
    }

    /// Why an argument with several values cannot be read: what was counted together is of none of them.
    func refusal(ofReadingSeveral column: Int) -> SQLTableError {
        let option = columns[column].name
        return SQLTableError(
            "\(option) IN (…) counts the events of all its values together, so that no row of \(name) has one of them; "
                + "join a list of them by \(option) = VALUE, or group by it where event_group can")
    }

    private static func remedy(_ option: String) -> String {
        "give it by AND \(option) = VALUE, which means what the option --\(option.replacing("_", with: "-")) does, "
            + "or ask the table event"
    }
}
