import SQLitePages
import TestSupport
import Testing

/// Bytes that SQLite did not write: whatever they are, the diff throws or answers, never traps, and ends.
@Suite struct HostileBytesTests {
    @Test(arguments: [(1, 512), (2, 512), (3, 1024), (4, 4096)])
    func changedBytesNeverTrap(seed: Int, pageSize: Int) throws {
        let directory = try TemporaryDirectory()
        let made = try RowScene(
            seed: seed, pageSize: pageSize, autoVacuum: seed % 3, encoding: seed == 4 ? "UTF-16le" : "UTF-8",
            features: ["blob", "drop", "fts"]
        ).make(in: directory.path)
        var options = RowDiffOptions()
        options.includesHidden = true
        options.greatestRowByteCount = 1 << 16
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<50 {
            var (before, after) = (made.before, made.after)
            Self.damage(&before.bytes, pageSize: pageSize, &generator)
            Self.damage(&after.bytes, pageSize: pageSize, &generator)
            do {
                let differ = try RowDiffer(from: before, options: options)
                let told = try ToldDiff(differ, to: after, changed: nil, limit: 20_000)
                // What is reached over the limits is told as an error, not worked off.
                #expect(told.summary.pagesRead < 64 * (Int(before.pageCount) + Int(after.pageCount)) + 4096)
            } catch _ as PagesError {
            }
        }
    }

    /// Flips, copies and cuts, most of them where structure is: the head of a page.
    private static func damage(_ bytes: inout [UInt8], pageSize: Int, _ generator: inout SeededGenerator) {
        let pages = bytes.count / pageSize
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let page = Int.random(in: 0..<pages, using: &generator) * pageSize
            let reach = Bool.random(using: &generator) ? 24 : pageSize
            let start = page == 0 && Int.random(in: 0..<4, using: &generator) > 0 ? 100 : page
            let offset = min(bytes.count - 1, start + Int.random(in: 0..<reach, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[offset] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes[offset] = [0, 1, 2, 5, 10, 13, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            case 3:
                let source = Int.random(in: 0..<pages, using: &generator) * pageSize
                for index in 0..<pageSize where page > 0 { bytes[page + index] = bytes[source + index] }
            case 4:
                for index in offset..<min(offset + 4, bytes.count) {
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                }
            default:
                guard Int.random(in: 0..<20, using: &generator) == 0 else { continue }
                bytes.removeLast(Int.random(in: 1..<pages, using: &generator) * pageSize)
                return
            }
        }
    }

    @Test func noDatabaseIsSaidToBeNone() throws {
        let noise = (0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 131) }
        #expect(throws: PagesError.self) { try RowDiffer(from: FilePages(bytes: noise, pageSize: 4096)) }
    }

    @Test func randomTextsAreNoTableDefinitionOrOne() {
        var generator = SeededGenerator(seed: 11)
        let pieces = [
            "CREATE", "TABLE", "t", "(", ")", ",", "a", "INTEGER", "PRIMARY", "KEY", "'x", "\"y\"", "[z]", "--", "/*",
            "*/",
            "DEFAULT", "-", "1e", "0x", "AS", "STORED", "WITHOUT", "ROWID", "x'0", "CHECK", "\n", "CONSTRAINT", "é",
        ]
        var definitions = 0
        for _ in 0..<5_000 {
            var text = "CREATE TABLE t("
            for _ in 0..<Int.random(in: 1..<14, using: &generator) {
                text += (pieces.randomElement(using: &generator) ?? "") + " "
            }
            if TableDefinition(createTable: Array((text + ")").utf8)) != nil { definitions += 1 }
        }
        #expect(definitions > 25 && definitions < 4_900)
    }
}
