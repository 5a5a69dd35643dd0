import Testing

@testable import Parquet

/// The file as a whole; what it says is read by others in the integration tests.
@Suite struct ParquetWriterTests {
    private static func columns() -> [ParquetColumn] {
        [.number("n", isRising: true), .text("t"), .bytes("b"), .flag("f"), .number("m"), .unsigned("u")]
    }

    private static func file(rowCount: Int, groupEnds: Set<Int> = []) throws -> [UInt8] {
        let writer = try ParquetWriter(columns(), metadata: [("key", "value")], createdBy: "test")
        var bytes: [UInt8] = []
        writer.begin(into: &bytes)
        for row in 0..<rowCount {
            let isThere = row % 3 > 0
            writer.append(isThere ? Int64(row) : nil, to: 0)
            writer.append(isThere ? Array("text \(row % 5)".utf8) : nil, to: 1)
            writer.append(nil as [UInt8]?, to: 2)
            writer.append(1, to: 3)
            writer.append(Int64(row % 2), to: 4)
            writer.append(-1, to: 5)
            writer.endRow()
            if groupEnds.contains(row) { try writer.endGroup(into: &bytes) }
        }
        try writer.finish(into: &bytes)
        return bytes
    }

    @Test(arguments: [0, 1, 9, 10_000]) func theFooterLiesWhereItsLengthSays(rowCount: Int) throws {
        let bytes = try Self.file(rowCount: rowCount)
        #expect(bytes.starts(with: "PAR1".utf8))
        #expect(bytes.suffix(4).elementsEqual("PAR1".utf8))
        let length = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = bytes.count - 8 - length
        try #require(start >= 4)
        // Field 1, an int32: the version 2.
        #expect(bytes[start...].prefix(2).elementsEqual([0x15, 0x04]))
        #expect(bytes[bytes.count - 9] == 0)
    }

    /// A row group holds nothing of the one before it, its dictionaries neither.
    @Test func rowGroupsAreIndependent() throws {
        let one = try Self.file(rowCount: 60, groupEnds: [29])
        let half = try Self.file(rowCount: 30)
        let length = half.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        let group = half.dropFirst(4).dropLast(8 + length)
        #expect(one.dropFirst(4).starts(with: group))
    }

    @Test func aRowWithoutARequiredValueIsAnErrorOfTheProgram() async {
        await #expect(processExitsWith: .failure) {
            let writer = try ParquetWriter([.flag("f")], metadata: [], createdBy: "test")
            writer.append(nil as Int64?, to: 0)
        }
    }
}
