import Model
import Testing

@testable import Recorder

@Suite struct LinkCountFoldingTests {
    private let file = FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: 7, generation: 0)
    private let other = FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: 8, generation: 0)

    @Test func aDeleteExplainsTheRecordBeforeIt() {
        var folding = LinkCountFolding()
        folding.remember(lonePID: 10, object: file, event: 3)
        let outcome1 = folding.explained(byEntryOf: 10, object: file, isRename: false)
        #expect(outcome1 == 3)
        let outcome2 = folding.explained(byEntryOf: 10, object: file, isRename: false)
        #expect(outcome2 == nil)
    }

    @Test func aDeleteOfAnOpenFileExplainsTheRecordAfterIt() {
        var folding = LinkCountFolding()
        _ = folding.explained(byEntryOf: 10, object: file, isRename: false)
        let outcome3 = folding.explains(lonePID: 10, object: file)
        #expect(outcome3)
    }

    @Test func aRenameExplainsTheFileItReplacesOnce() {
        var folding = LinkCountFolding()
        _ = folding.explained(byEntryOf: 10, object: file, isRename: true)
        let outcome4 = folding.explains(lonePID: 10, object: other)
        #expect(outcome4)
        let outcome5 = folding.explains(lonePID: 10, object: other)
        #expect(!outcome5)
    }

    @Test func anotherProcessOrFileExplainsNothing() {
        var folding = LinkCountFolding()
        folding.remember(lonePID: 10, object: file, event: 3)
        let outcome6 = folding.explained(byEntryOf: 11, object: file, isRename: false)
        #expect(outcome6 == nil)
        let outcome7 = folding.explained(byEntryOf: 10, object: other, isRename: false)
        #expect(outcome7 == nil)
        let outcome8 = folding.explains(lonePID: 12, object: file)
        #expect(!outcome8)
    }

    @Test func theLastFewEntriesExplainAndOlderOnesDoNot() {
        for count in [1, 15, 16, 17, 40] {
            var folding = LinkCountFolding()
            for inode in 0..<count {
                _ = folding.explained(byEntryOf: 10, object: numbered(inode), isRename: false)
            }
            for inode in 0..<count {
                let outcome = folding.explains(lonePID: 10, object: numbered(inode))
                #expect(outcome == (inode >= count - 16), "\(inode) of \(count)")
            }
        }
    }

    @Test func eachRenameExplainsOnce() {
        var folding = LinkCountFolding()
        for _ in 0..<20 { _ = folding.explained(byEntryOf: 10, object: file, isRename: true) }
        var explainedCount = 0
        while folding.explains(lonePID: 10, object: other) { explainedCount += 1 }
        #expect(explainedCount == 16)
    }

    private func numbered(_ inode: Int) -> FileIdentity {
        FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: UInt64(inode), generation: 0)
    }

    @Test func nothingGrowsWithoutBound() {
        var folding = LinkCountFolding()
        for event in 0..<10_000 {
            folding.remember(lonePID: 10, object: file, event: event)
            _ = folding.explained(byEntryOf: 11, object: other, isRename: false)
        }
        let outcome9 = folding.explained(byEntryOf: 10, object: file, isRename: false)
        #expect(outcome9 == 9_999)
    }
}
