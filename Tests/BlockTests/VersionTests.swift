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

    /// What varved wrote in version 3 for: mkdir, a file whose name is a hash made and moved by mv, removed by rm.
    private static let third = [
        "VlJWQgO7AZLxVmVajkmPtyFTQEJwyiwBI0VniavN7wEjRWeJq83vB29sZGhvc3QBAbgs6NYke0C6rOi7zCEoGIcBBLDTpcbC1bAGAIBH",
        "AQQDCgQBAQQAgEeqhoCABQAIIQEEIgETIwEEJQETKAEEKQEFKgEBLAECFAEBBQIBEAMBCQQBAwYBCgcBBAgBAwoBBwsBAwwBAg0BAg4B",
        "JA8BIhABMBEBERIB1A4TARQUATIVAQcXARS2CAAA1wQAABzef29iHSne4CNbWCi1L/1gtgdtJgCaR3gPRfBW9Cwv1nKpnXYst2L2LgtK",
        "HT6yWCvjSBHtHf276IX1SIo+XAnrgSSVVy76QYDfckn3GwKv2m/6IThJTTJnh1AWnxkhKfYA3ADgAJ6VhZVLF/UeMkchE92y10U3qrJb",
        "5v/GKczk//eT9bB7Za9r9hfzAwKFXj6fkUa7avZPQlmv/lq9vOzV+ibqU9T12mu62v7Htqbdq2BlZWVlZVuwLdis2BsdLE1sXAsxZGib",
        "zYu7XRNOQBZaChmoGRweISADlmj33ggwKiQRUACJRsDDtm0RpGzbtm0Jtg3B9lqwca6m3dVtsC96793cCfeiF1XZK/Nf07TLpImSKbAn",
        "GNIqNEg4oYLjwYvCC9TIBZIOEG7M7HLutgHY3M2mXc5Mm81ms60GZzZDMePEKNLix703wA4jLXIEeUEEgBBtxXYHcO69N6bv7Zqu7Jox",
        "KZtAjwRD8cRB7it5ppRYtlytmpoaTbMKgYpY9f/dt1+r5pqyZjiQix74cSQYejqeDgxIlDEpg+E3ip4GjjKN/DvxkRS9jnMdnwnJsey4",
        "J4YdR5lGUxmmuoxbcuvPzu+teaastPX91Oa5f+v7udX/99n2nTEpeykTWJY41/FxA5dLYNnatcYeF9zG2P5KWw2Ltd5sP43W2IPRNKY1",
        "RtfuOs0VH+HNNV3tr7Jsy9mU9zVVQxtlbVlHd+t3QjK8GnlePDAoy/SMYD4eF9GI1VkrkQgUQgOpFEeO4MdDsuS4qiTHUiRHr8zgiZ7o",
        "nU5lCSw/prDzyA4lj/zEDSQYmsBQhgxDkWsAvQ4qtfdWzW5h7B5R4JfiJvA7cdWnQnWeTMdVn4p7qRI3fjCfjEmZLENv5iNVn0r1qTJu",
        "yS0rrfm7hbF/q+bJqtv/GEvjzfO/0tYnrelqy9Y+AtbZLct6TiQ5eNwzhSApeh2HD8y4JcPoE1l2uoxJOQbkUhm35N9HZEzKHMKSCeRG",
        "Pn6g0pdSkaQMy/odysiQnIqHoZgquZNn4p1KjAlP4Md1PDWOnPxiMm7JXZa2ZwQEHNHBggGIFlF8lKADKNcHKDJGSG6nszudrWkKEBjQ",
        "VlhYRCwTBNwLPbbtShiybVfBjQ3BdaBi2y7afRoL0b1utTFTazxCXVn9f19T1Oxew8527e1PVa3xR2V9u7Kn1hjk8Yhw61mYdp3sl2ka",
        "VtUa/5VN27OvK3tq7TpZdaU1hnF5AYVwJ5F+7TuLFVvpX6NFmC+tsQWQB0TqeLBHUVNr3KZrqn13naY/u09ZWuN9T+TTvzzLMr3vbcx3",
        "AsOOf6mOn8iMW/LL91ZExqQ8I3qk+Jk6TiRRHVfi5FiKGZNyW6hhDVLGICJEMkKiIEmhDjACghQrMg8SgEB7kAQ1IhRUKKHEIxkJJh0g",
        "KJ4EMAxiM9BV8RexxaOp9ZdTU4EBO6jMac3cUF1FUWMUluxkenZRofkRe5EQZzl+BR5adgQI3YeVDAlfjlqz/IBHyxIIklCvtzHom1sg",
        "BXOybxYZLAVjNUeXIG7SO7xl1yQtAPw7gAijHs2E3EaHYw/KIFjaoBSPRkUIQpvUtngJkeeZ6G3NlT+nQNvr38962eehsBWSPG0Wbl9y",
        "Z/yQYhO1CDE7ERtKTfKCr3uEVUItSfnva+fG6rIHKsPX63uQBg==",
    ].joined()

    /// What version 4 made of `Samples(seed: 22)`, 40 events over 12 paths: two row groups, paths in groups of five.
    private static let fourth = [
        "VlJWQgSCAgAAAAAAAAABAAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAEBGhvc3QBBwAAAAAAAAAFAAAAAAAAAAYBJoCJgYKDiYUGAMBWAQcJ",
        "AQAEAhQA2Cz7moCAAQAOIQEFIgETIwEFJAEFJQErJwEEKAEDKQEVKgEBLAEELQEPLgEOLwENMAEMEpAyuD2vGnAPIQEDIgEQIwEDJAED",
        "JQEeJgEWJwEEKAEDKQETKgEELQELLgEKLwEIMAEIMQEBBQYHAQMIAQIKASYLAQUMAQQNAQQGBwEFCAEECgEoCwEEDAEEDQEECAEBBQIB",
        "EAMBJgQBBgYBHw4BBA8BARABAhECAABwAQAAWpDh7BPJ6VXlTp+gKLUv/WARATULAEYYSjVgTZIOwLIxgSyCA+ut1FemAQLYQRvGM0Cj",
        "lPgQFBJCoArShKxt2LTxtbQyvm2t7U323lumFDwAOQA4AHcKN8y+zBqLPfmODbHvdoM5hrFlRqUjn7vfE65Zf2vtslrTrk0uHLfwwIBJ",
        "sO0U4gPGCYzW7u680pn9BGbp0tOTMrsbuBP44ijG6OgkxaiEzmrXvq5paLL+K3BgoSyskxS6fQD/DwdI5PHwfffzn2PuP/f7/5TK2b9E",
        "RXx0vhV1N43W3FVdTcVcbzo3QSSilkg9PqWCfzkCS0U6UEDysH/3aw6lpdIyCsDMLtnhttkl44y7zlxjIi6mV9eIaNRfO2fQQGEJGCHC",
        "soAEhAcELjAd3GCDK/YjOCoGUHRzMzETA2YG5qIaVTVNWC0PFwAeC7+aG1q2wUI4nCV3tpeaYARnXKoNHsLgk/XqmEWyVB5gLgBnxg8r",
        "kAzLnKX4yJMQ8jjKQNwYlDw=",
    ].joined()

    /// What version 5 made of `Samples(seed: 23)`, 40 events over 12 paths: two row groups, paths in groups of five.
    private static let fifth = [
        "VlJWQgWrAgAAAAAAAAABAAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAEBGhvc3QBBwAAAAAAAAAFAAAAAAAAAAYBKICJgYKDiYUGALhLAQYLAQIE",
        "AhQAyB31l4CAAT8QIQEDIgEPIwEDJAEDJQEnJgEYJwEDKAECKQEVKgEBLAECLQENLgEMLwEOMAEMMgEBFJAasD6pPxsPIQEEIgESIwEEJAEE",
        "JQEkJgEYJwEEKAEDKQEVKgEILQEPLgEOLwEMMAEMMgEBBQYHAQYIAQUKATILAQUMAQMNAQMGBwEFCAEECgEpCwEFDAEEDQEEBQcBAgoBBgsB",
        "AQwBAQ0BAQ4BAQUCARADASYEAQUGAYkCDgEGDwEFEAELEQECEgE1EwELFAEKFQEfFgEMxAMAAIUCAAAI1aSKvaIVx28PNZAotS/9YMQC3RMA",
        "VmZ6QxCxJB23iOI45KeaxIUoI4pQaTIdGfUCqjxljVEw+Ph3iXn726RkF19F3ReHwdLhbfsfmrb/LjrURJv7Y9uNbLKlTAFkAGEAYQAhCxdO",
        "3JOBcBYo8cIjIsoR/wHIeNjN9Yv0i/5jYmaybBciOkRMxI4z6yJneXjgXTb3ZD8p8RFGZ605tEKhUDrQr5YWSzzIs55VyicB36N5IIivA3/n",
        "YcLffHpsbti8l3nHED8CJe14AyPHbOWgq63Mi7N61e1eXT5384qcbtX+bvMulzgzm7Aj+PEihRQQjWCeHRPzo5C7rBEAdz3AmyjkThTK5lo2",
        "NzpLLEkRAmfNHZQJala7zprFMPFYwudKz3ru5QN5AShm6HbvcmsNVa1p1Q3cu7ysur29yrq8q7vb2tzb3Mq9qqrChjs1loj5MoSMCgQYKxkC",
        "Mrwg8eFAhZ/SVU48ATbA966y6Tq+hYKIAhELGf7M3XpWZtVmVd798lXPzbp6YvIpen5yRrDQwcnp0bk5SgqKV2ZSKNUJxSssKpQWVIxKg+r0",
        "JFmtaOBgKabk6fA81sTAPEqGRWdKDhg8KLm8rMTAvJhMpS9o0RSGlxTMyWVlTymVzOm3SFarVY6PFiS2o+Kzg0+ZuHpc5Fu1z1/ed4vg/a42",
        "c9Ms93YHRCgwAqIMKT4QqEQpFDoAa2NtoaxC51oImexZbIwKqmDcgTmQIY4IXxYNgRBIEnD22JMxcXCktAGOXCRVZkwH7dQkSAJn0BZYC5I1",
        "yLeLX29Ml8CPzIaw4rapZeKF7USA4ATeNozz/oPEoazaZuMKaRg3GGu80MjQNDZ8rPGihUUEHl1PCs8N5UsMvIQg1ww=",
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

    @Test func aBlockOfTheThirdVersionSaysWhatItSaid() throws {
        let reader = try BlockReader(Array(try #require(Data(base64Encoded: Self.third))))
        #expect(reader.header.version == 3)
        #expect(reader.pathGroupCount == 1)
        try reader.verify()
        let hash = "/srv/old/d/da39a3ee5e6b4b0d3255bfef95601890afd80709"
        let paths = try PlainBlock(reader).events.map { String(decoding: $0.path ?? [], as: UTF8.self) }
        #expect(paths == ["/srv/old/d", hash, hash, "/srv/old/b"])
        #expect(try reader.pathIndices(of: RawPath(hash)) == [1])
    }

    @Test func aBlockOfTheFourthVersionSaysWhatItSaid() throws {
        let reader = try BlockReader(Array(try #require(Data(base64Encoded: Self.fourth))))
        #expect(reader.header.version == 4)
        #expect(reader.header.rowGroups.count == 2 && reader.pathGroupCount > 1)
        try reader.verify()
        var samples = Samples(seed: 22)
        let batch = samples.batch(40, pathCount: 12)
        #expect(try PlainBlock(reader).events == PlainBlock(batch, firstSequence: 1).events)
        // It does not say which paths its row groups have.
        var chunks = PathChunks()
        chunks.insert(0)
        #expect(try reader.mayHavePath(of: chunks, rowGroup: 0))
        #expect(try reader.mayHavePath(of: chunks, rowGroup: 1))
    }

    @Test func aBlockOfTheFifthVersionSaysWhatItSaid() throws {
        let reader = try BlockReader(Array(try #require(Data(base64Encoded: Self.fifth))))
        #expect(reader.header.version == 5)
        #expect(reader.header.rowGroups.count == 2 && reader.pathGroupCount > 1)
        try reader.verify()
        var samples = Samples(seed: 23)
        let batch = samples.batch(40, pathCount: 12)
        #expect(try PlainBlock(reader).events == PlainBlock(batch, firstSequence: 1).events)
        #expect(try reader.busiestPaths() == nil)
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
        #expect(merged.header.version == 6)
        try merged.verify()
        var expected = try PlainBlock(old)
        expected.append(try PlainBlock(BlockReader(newer.bytes)))
        #expect(try PlainBlock(merged) == expected)
    }
}
