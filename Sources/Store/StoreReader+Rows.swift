package import Model

extension StoreReader {
    /// All gaps, in the order they were recorded.
    package func gaps() throws(StoreError) -> [GapRow] {
        try gaps(from: nil, to: nil)
    }

    /// The gaps that touch from ≤ moment < to; nil leaves an end open.
    package func gaps(from: Instant?, to: Instant?) throws(StoreError) -> [GapRow] {
        try read { (connection) throws(StoreError) in
            var gaps: [GapRow] = []
            try connection.prepare(
                "gaps",
                "SELECT \(GapRow.columns) FROM gap WHERE missing_to >= ? AND missing_from < ? ORDER BY id"
            ).forEachRow([
                .integer(from?.nanosecondsSinceEpoch ?? .min), .integer(to?.nanosecondsSinceEpoch ?? .max),
            ]) { (row) throws(StoreError) in
                if let gap = GapRow(row) { gaps.append(gap) }
            }
            return gaps
        }
    }

    /// The gaps that were recorded after the one with this id, in the order they were.
    package func gaps(afterID id: Int64) throws(StoreError) -> [GapRow] {
        try read { (connection) throws(StoreError) in
            var gaps: [GapRow] = []
            try connection.prepare("gaps after", "SELECT \(GapRow.columns) FROM gap WHERE id > ? ORDER BY id")
                .forEachRow([.integer(id)]) { (row) throws(StoreError) in
                    if let gap = GapRow(row) { gaps.append(gap) }
                }
            return gaps
        }
    }

    /// All runs, oldest first.
    package func runs() throws(StoreError) -> [RunRecord] {
        try rows("runs", { "SELECT \(RunRecord.columns(schemaVersion: $0)) FROM run ORDER BY run" }) { RunRecord($0) }
    }

    /// What the runs covered, in the order it was marked.
    package func coverage() throws(StoreError) -> [Coverage] {
        try rows("coverage", "SELECT \(Coverage.columns) FROM coverage ORDER BY id") { Coverage($0) }
    }

    /// All notes, in the order they were made.
    package func notes() throws(StoreError) -> [Note] {
        try rows("notes", "SELECT \(Note.columns) FROM note ORDER BY id") { Note($0) }
    }

    /// All steps of the wall clock, in the order they were noticed.
    package func clockSteps() throws(StoreError) -> [ClockStep] {
        try rows("clock steps", "SELECT \(ClockStep.columns) FROM clock_step ORDER BY id") { ClockStep($0) }
    }

    /// Changes whenever another connection has committed. https://www.sqlite.org/pragma.html#pragma_data_version
    package func dataVersion() throws(StoreError) -> Int64 {
        try read { (connection) throws(StoreError) in try connection.integer("PRAGMA data_version") }
    }

    private func rows<Value>(
        _ name: StaticString, _ sql: String, _ make: (borrowing Statement) -> Value
    ) throws(StoreError) -> [Value] {
        try rows(name, { _ in sql }, make)
    }

    /// The same where the statement depends on the version of the store's schema.
    private func rows<Value>(
        _ name: StaticString, _ sql: (_ schemaVersion: Int64) -> String, _ make: (borrowing Statement) -> Value
    ) throws(StoreError) -> [Value] {
        try read { (connection) throws(StoreError) in
            var values: [Value] = []
            let sql = sql(try connection.integer("PRAGMA user_version"))
            try connection.prepare(name, sql).forEachRow { (row) throws(StoreError) in values.append(make(row)) }
            return values
        }
    }
}
