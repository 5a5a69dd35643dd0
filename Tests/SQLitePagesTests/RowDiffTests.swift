import SQLitePages
import TestSupport
import Testing

/// The rows that differ, against what SQLite itself says of the two files.
@Suite struct RowDiffTests {
    @Test(arguments: RowScene.all) func itTellsWhatSQLiteTells(_ scene: RowScene) throws {
        let directory = try TemporaryDirectory()
        let made = try scene.make(in: directory.path)
        try itTellsTheRows(of: made, scene)
        try itTellsTheKeysThatTheSessionExtensionTells(of: made, scene)
        try againstNoDatabaseAllRowsAreInserted(made, scene)
        try successiveDiffsTellTheSameAsFreshOnes(made, scene)
    }

    private func itTellsTheRows(of made: RowScene.Made, _ scene: RowScene) throws {
        let changed = made.after.pagesDiffering(from: made.before)
        let told = try ToldDiff(from: made.before, to: made.after, changed: changed)
        #expect(told.unreadable == [], "\(scene)")
        expect(told.lines, made.truth, scene)
        // VACUUM numbers the rows of this table anew, only where there were holes before them.
        if !told.rewritten.isEmpty {
            #expect(told.rewritten == ["heap"] && scene.features.contains("vacuum"), "\(scene)")
        }
    }

    private func itTellsTheKeysThatTheSessionExtensionTells(of made: RowScene.Made, _ scene: RowScene) throws {
        let told = try ToldDiff(from: made.before, to: made.after, changed: nil)
        let compared = Set(made.session.filter { $0.hasPrefix("compared\t") }.map { $0.dropFirst("compared\t".count) })
        #expect(compared.count >= 3, "\(scene)")
        let keys = told.lines.map { $0.split(separator: "\t")[..<3] }.filter { compared.contains($0[1]) }
        expect(keys.map { $0.joined(separator: "\t") }, made.session.filter { !$0.hasPrefix("compared\t") }, scene)
    }

    private func againstNoDatabaseAllRowsAreInserted(_ made: RowScene.Made, _ scene: RowScene) throws {
        let told = try ToldDiff(from: .none, to: made.after, changed: nil)
        #expect(told.unreadable == [], "\(scene)")
        expect(told.lines, made.rows, scene)
        let back = try ToldDiff(from: made.after, to: .none, changed: nil)
        #expect(back.lines.count == told.lines.count && back.lines.allSatisfy { $0.hasPrefix("deleted\t") }, "\(scene)")
    }

    /// What is kept from one diff for the next must not show: there and back again, twice.
    private func successiveDiffsTellTheSameAsFreshOnes(_ made: RowScene.Made, _ scene: RowScene) throws {
        let changed = made.after.pagesDiffering(from: made.before)
        let there = try ToldDiff(from: made.before, to: made.after, changed: changed)
        let back = try ToldDiff(from: made.after, to: made.before, changed: changed)
        let differ = try RowDiffer(from: made.before)
        for _ in 0..<2 {
            #expect(try ToldDiff(differ, to: made.after, changed: changed).lines == there.lines, "\(scene)")
            #expect(try ToldDiff(differ, to: made.before, changed: changed).lines == back.lines, "\(scene)")
        }
        #expect(try ToldDiff(differ, to: made.before, changed: []).lines == [])
    }

    private func expect(_ told: [String], _ truth: [String], _ scene: RowScene) {
        let different = Set(told).symmetricDifference(truth).sorted().prefix(4).map { $0.prefix(300) }
        #expect(told.sorted() == truth, "\(scene): \(different)")
    }
}
