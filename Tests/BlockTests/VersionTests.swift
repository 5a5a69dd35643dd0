import Block
import FoundationEssentials
import Model
import Testing

/// Blocks of the first version of the format stay readable.
@Suite struct VersionTests {
    /// What varved 0.1.0 wrote for: mkdir, a file made and moved by mv, removed by rm, and a file made by a subshell.
    private static let first = [
        "VlJWQgG1ASjfCEOTr0XqjiJWLL0xVjMBI0VniavN7wEjRWeJq83vB29sZGhvc3QBAejyABvWIURGrIGZ8iG9WwgBB8CD/rKPwLAG",
        "AJBcAQQEBwEBAQcAkFyKhoCABQAJIQEHIgEZIwEHJAEHJQEaKAEFKQEIKgEBLAECEQEBBQIBEAMBCQQBAwYBCgcBBAgBAwoBCAsB",
        "BAwBAw0BAw4BGA8BFBABHhEBCRIB/QETAQTwAQAASAEAABOeXK+gYgs8nmmQryi1L/1g8AD1CQCm0D44UG/SAbC0t85KAfDbxkJX",
        "GK5lVMe3Yu5C//M9TQdXM1tyed7oHY1inu4Ei34eo58lBcoSQvaWMgUtADAAMQCwb73u9y8Lvua3CV6+915N94X3clyM+QRkn0VQ",
        "8AtFxeMlRsSlr45Odfc12B8Q3Ref+dtFD33y/37wz09S6V21zHyFBZAM1UbFg/XhsAjItGjAzEzPgApF8ojTsQejOUElxUgkq7WQ",
        "//9+LcAhy7JMAvylDEr4nDLSYOJBMay8N9o3Wq8+emVqrBsyBJ0CnxC+fs6GgUBr7Ig6Gjsh6YkXscRtErETt4TI2U85SSXZVSvj",
        "O3rOntaOcjY0axoASBzA2ACSYA/wLaFlN9cmfB3mZmmegtPgTwNOr1ChJZmvPIXHy8YxNylzC0DSHNs9NHGxYKyo5mAKB461AAs=",
    ].joined()

    private static func firstBlock() throws -> [UInt8] {
        Array(try #require(Data(base64Encoded: first)))
    }

    @Test func aBlockOfTheFirstVersionSaysWhatItSaid() throws {
        let reader = try BlockReader(Self.firstBlock())
        #expect(reader.header.version == 1)
        try reader.verify()
        let block = try PlainBlock(reader)
        #expect(
            block.events.map { String(decoding: $0.path ?? [], as: UTF8.self) } == [
                "/srv/old/d", "/srv/old/d/a", "/srv/old/d/a", "/srv/old/d/a", "/srv/old/d/a", "/srv/old/b",
                "/srv/old/c",
            ])
        #expect(
            block.events.map { $0.process?.exe?.lossyText } == [
                "/usr/bin/mkdir", "/usr/bin/dash", "/usr/bin/dash", "/usr/bin/dash", "/usr/bin/mv", "/usr/bin/rm", nil,
            ])
        #expect(block.processes.allSatisfy { $0.parentInstance == nil && $0.controlGroup == nil })
        #expect(block.facts.allSatisfy { $0.kind == .exitSeen })
    }

    @Test func mergedWithNewerBlocksItKeepsItsEventsAndHashes() throws {
        let old = try BlockReader(Self.firstBlock())
        var samples = Samples(seed: 3)
        var encoder = BlockEncoder(filterKey: Samples.key)
        let batch = samples.batch(300)
        let newer = try encoder.encode(
            batch, firstSequence: old.header.endSequence, run: Samples.run, origin: old.header.origin)
        var merger = BlockMerger(filterKey: Samples.key)
        try merger.append(old)
        try merger.append(BlockReader(newer.bytes))
        let merged = try BlockReader(merger.finish().bytes)
        #expect(merged.header.version == 2)
        try merged.verify()
        var expected = try PlainBlock(old)
        expected.append(try PlainBlock(BlockReader(newer.bytes)))
        #expect(try PlainBlock(merged) == expected)
    }
}
