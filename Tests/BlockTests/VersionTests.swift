import Block
import FoundationEssentials
import Model
import Testing

/// Blocks of earlier versions of the format stay readable.
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

    /// What version 2 made of `Samples(seed: 21)`, 40 events over 12 paths.
    private static let second = [
        "VlJWQgLJAQAAAAAAAAABAAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAEBGhvc3QBBwAAAAAAAAAFAAAAAAAAAAYBJdCNgYKDiYUGALBSAQYL",
        "BAAEASUAsFL/v4CAAXcQIQEHIgEXIwEHJAEHJQFIJgErJwEeKAEdKQEmKgEKLAEGLQEcLgEbLwEaMAEYMQECEgEBBQIBEAMBJgQBBQYB",
        "JgcBCggBCQoBUQsBCwwBBw0BBw4BFQ8BDBABFREBBRIBbhQBHhUBH0QDAABCAgAAtz0h6l35BJGvknq3KLUv/WBEAsURAFbjdEMQsSQd",
        "BYQpOawJo0BPopW2gjQskVlDtUavsAYpiH7UaKxNb+slW94CKwQgfg8wfBfYkCvXD1cCPyhzz6LWCNl7SylTXgBeAFwA2rg519gxKzfX",
        "HPMb6yq3/7xXFhcV6m6fglCt8+EArIfrePsobqc8nVZR1Huu8ep/cmmz6ZwXps45aUAh1c5q6oJmyNQZcr3+Z0Dy4iAGTYo7GC1OOac5",
        "9xXl0c6p1SxkN4xRm67uzgUnDhRqDLBRWbEhQkyBEggS/gDFDbzEQ/CIo5R0rBwQcQQ83Ofu/7uyMrOqsl5ZX2vK3JR1d3U1wD3v/EOb",
        "h2paPdW2Trdy+rt16tx5l9m1yp1V9w83Np4MfEPDaahRDCLWRAcHgoTqg9cGLAJInsfnev5eHyOELWFseUNGCWHD2JfHkTLGR9gtZcd3",
        "jDO6W8JHGKVs2H0Z/9w7gp/klzJ2d5RSxkf5nO6G93DZEdpoGL9aNFO6sJOUq0UzpQuzrha9YCcwlwmrgFl6bicLVc1IluF4MZJlOCfO",
        "zCh/KER9JUVB6JJ5gTOglpYEoJiRyEQamZiAbiKJSo1ZJtLIOspTYGBpwqhEsmJE0SphMtZIlmU5DuLin3/OKs6ZhmTYiHwIKygwAuXg",
        "2A4QcDZDSwvDGIzRT2y1EKaUJSQw+O6+ag6I6nvEANf4T5zh8y8Ju3awRFjn0aLIuuA542LD41AJGs04NoLOGwoNFAK3jxlBEFBXQCMo",
        "q6zRMkwbebpxaYA8YA4=",
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

    @Test func aBlockOfTheSecondVersionSaysWhatItSaid() throws {
        let reader = try BlockReader(Array(try #require(Data(base64Encoded: Self.second))))
        #expect(reader.header.version == 2)
        try reader.verify()
        var samples = Samples(seed: 21)
        let batch = samples.batch(40, pathCount: 12)
        #expect(try PlainBlock(reader).events == PlainBlock(batch, firstSequence: 1).events)
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
        #expect(merged.header.version == 3)
        try merged.verify()
        var expected = try PlainBlock(old)
        expected.append(try PlainBlock(BlockReader(newer.bytes)))
        #expect(try PlainBlock(merged) == expected)
    }
}
