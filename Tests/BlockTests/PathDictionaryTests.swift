import Block
import Testing

@Suite struct PathDictionaryTests {
    private func path(_ index: PathIndex, _ dictionary: PathDictionary) -> String {
        var bytes: [UInt8] = []
        dictionary.appendPath(index, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func equalPairsAreOneEntryAndOthersAreNot() {
        var dictionary = PathDictionary()
        let a = dictionary.internDirectory(parent: 0, name: Array("a".utf8))
        let b = dictionary.internDirectory(parent: a, name: Array("a".utf8))
        #expect(a == 1 && b == 2)
        #expect(dictionary.internDirectory(parent: 0, name: Array("a".utf8)) == a)
        let first = dictionary.internPath(directory: a, name: Array("x".utf8))
        #expect(first == 0)
        #expect(dictionary.internPath(directory: b, name: Array("x".utf8)) == 1)
        #expect(dictionary.internPath(directory: a, name: Array("x".utf8)) == first)
        #expect(path(1, dictionary) == "/a/a/x")
    }

    @Test func aDirectoryIsAPathByItsNameInItsParent() {
        var dictionary = PathDictionary()
        let a = dictionary.internDirectory(parent: 0, name: Array("a".utf8))
        let asName = dictionary.internPath(directory: 0, name: Array("a".utf8))
        #expect(dictionary.internPath(directory: a, name: []) == asName)
        #expect(dictionary.internPath(directory: a, name: Array(".".utf8)) == asName)
        let root = dictionary.internPath(directory: 0, name: [])
        #expect(path(root, dictionary) == "/")
    }

    @Test func anUnplacedDirectoryLeavesOnlyTheNameUntilItIsPlaced() {
        var dictionary = PathDictionary()
        let lost = dictionary.addUnplacedDirectory()
        let below = dictionary.internDirectory(parent: lost, name: Array("below".utf8))
        let file = dictionary.internPath(directory: below, name: Array("file".utf8))
        #expect(dictionary.isUnplaced(below))
        #expect(path(file, dictionary) == "file")
        dictionary.place(lost, parent: 0, name: Array("found".utf8))
        #expect(!dictionary.isUnplaced(below))
        #expect(path(file, dictionary) == "/found/below/file")
    }

    @Test func noDirectoryBecomesItsOwnAncestor() {
        var dictionary = PathDictionary()
        let lost = dictionary.addUnplacedDirectory()
        let below = dictionary.internDirectory(parent: lost, name: Array("below".utf8))
        dictionary.place(lost, parent: below, name: Array("lost".utf8))
        #expect(dictionary.isUnplaced(lost))
    }

    @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255]) func namesOfEveryLengthAreToldApart(count: Int) {
        var dictionary = PathDictionary()
        let name = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        let index = dictionary.internPath(directory: 0, name: name)
        for position in 0..<count {
            var other = name
            other[position] = UInt8(ascii: "y")
            #expect(dictionary.internPath(directory: 0, name: other) != index)
        }
        #expect(dictionary.internPath(directory: 0, name: name) == index)
        #expect(dictionary.pathCount == count + 1)
    }

    @Test func itForgetsAndGrowsAsOften() {
        var dictionary = PathDictionary()
        for round in 0..<3 {
            for number in 0..<5_000 {
                #expect(dictionary.internPath(directory: 0, name: Array("\(round)-\(number)".utf8)) == number)
            }
            dictionary.removeAll(keepingCapacity: true)
            #expect(dictionary.pathCount == 0 && dictionary.directoryCount == 1 && dictionary.nameByteCount == 0)
        }
    }
}
