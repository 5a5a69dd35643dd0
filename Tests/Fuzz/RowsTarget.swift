import SQLitePages

extension FuzzTarget {
    private static let greatestRowCount = 20_000

    /// Input: two bytes of a count, so many bytes of a database, the database as it is later; page sizes as they say.
    static func runRows(_ input: [UInt8]) {
        var cursor = InputCursor(input)
        let before = InputPages(cursor.counted())
        let after = InputPages(Array(cursor.rest))
        var options = RowDiffOptions()
        options.includesHidden = true
        options.greatestRowByteCount = 1 << 16
        for changed in [nil, [1, 2, 3], [.max]] as [[UInt32]?] {
            var count = 0
            guard let differ = try? RowDiffer(from: before, options: options),
                let summary = try? differ.advance(
                    to: after, changedPages: changed,
                    emit: { _ in
                        count += 1
                        return count < greatestRowCount
                    })
            else { continue }
            // What is reached over the limits is told as an error, not worked off.
            precondition(summary.pagesRead < 64 * (Int(before.pageCount) + Int(after.pageCount)) + 4_096)
        }
    }
}

/// The pages of a database that an input holds.
private struct InputPages: PageSource {
    private let bytes: [UInt8]
    let pageSize: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let said = bytes.count < 18 ? 0 : Int(bytes[16]) << 8 | Int(bytes[17])
        pageSize = said >= 512 && said.nonzeroBitCount == 1 ? said : 512
    }

    var pageCount: UInt32 { UInt32(bytes.count / pageSize) }

    func page(_ number: UInt32) throws(PagesError) -> [UInt8]? {
        guard number >= 1, number <= pageCount else { return nil }
        let offset = (Int(number) - 1) * pageSize
        return Array(bytes[offset..<offset + pageSize])
    }
}
