import Block
import Model
import Store
import Testing

@testable import Query

/// Names of a block's paths, looked up one by one or all at once.
@Suite struct PathNamesTests {
    /// However few are asked for at a time: what is kept of single names is bounded.
    @Test func manyFewAreAll() throws {
        let scene = try StoreScene()
        let count = 20 * BlockReader.fewShare
        try scene.append((0..<count).map { RecordedEvent(Double($0 + 1), .create, "/srv/d\($0 % 7)/f\($0)") })
        let bytes = try #require(try StoreReader(directory: scene.directory).blockBytes(firstSequence: 1))
        let reader = try BlockReader(bytes)
        let names = PathNames(reader, known: [:])
        var asked: [PathIndex] = []
        while asked.count < 20 {
            let next = (asked.count..<(asked.count + 10)).map { PathIndex($0) }
            try names.prepare(for: next)
            asked += next
        }
        #expect(!reader.hasPathDictionary)
        let some = asked.map { names.path($0) }
        try names.prepare(for: [PathIndex(20)])
        #expect(reader.hasPathDictionary)
        #expect(asked.map { names.path($0) } == some)
        let all = try reader.pathDictionary()
        for index in 0..<PathIndex(reader.header.pathCount) {
            var expected: [UInt8] = []
            all.appendPath(index, to: &expected)
            #expect(names.path(index) == expected)
        }
    }
}
