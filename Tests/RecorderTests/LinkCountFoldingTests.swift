import Model
import Testing

@testable import Recorder

@Suite struct LinkCountFoldingTests {
    private let file = FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: 7, generation: 0)
    private let other = FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: 8, generation: 0)

    @Test func aDeleteExplainsTheRecordBeforeIt() {
        var folding = LinkCountFolding()
        folding.remember(lonePID: 10, object: file, event: 3)
        #expect(folding.explained(byEntryOf: 10, object: file, isRename: false) == 3)
        #expect(folding.explained(byEntryOf: 10, object: file, isRename: false) == nil)
    }

    @Test func aDeleteOfAnOpenFileExplainsTheRecordAfterIt() {
        var folding = LinkCountFolding()
        _ = folding.explained(byEntryOf: 10, object: file, isRename: false)
        #expect(folding.explains(lonePID: 10, object: file))
    }

    @Test func aRenameExplainsTheFileItReplacesOnce() {
        var folding = LinkCountFolding()
        _ = folding.explained(byEntryOf: 10, object: file, isRename: true)
        #expect(folding.explains(lonePID: 10, object: other))
        #expect(!folding.explains(lonePID: 10, object: other))
    }

    @Test func anotherProcessOrFileExplainsNothing() {
        var folding = LinkCountFolding()
        folding.remember(lonePID: 10, object: file, event: 3)
        #expect(folding.explained(byEntryOf: 11, object: file, isRename: false) == nil)
        #expect(folding.explained(byEntryOf: 10, object: other, isRename: false) == nil)
        #expect(!folding.explains(lonePID: 12, object: file))
    }

    @Test func nothingGrowsWithoutBound() {
        var folding = LinkCountFolding()
        for event in 0..<10_000 {
            folding.remember(lonePID: 10, object: file, event: event)
            _ = folding.explained(byEntryOf: 11, object: other, isRename: false)
        }
        #expect(folding.explained(byEntryOf: 10, object: file, isRename: false) == 9_999)
    }
}
