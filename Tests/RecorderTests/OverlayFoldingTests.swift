import Model
import Testing

@testable import Recorder

/// The records below an overlay, as Linux 6.18 made them for each operation through it.
@Suite struct OverlayFoldingTests {
    private static let work: DirectoryTree.Index = 1
    private static let layer: DirectoryTree.Index = 2
    private static let pid: Int32 = 7

    private func file(_ inode: UInt64) -> FileIdentity {
        FileIdentity(filesystem: FilesystemID(rawValue: 1), inode: inode, generation: 0)
    }

    private func record(
        _ mask: EventMask, _ directory: DirectoryTree.Index, _ name: String, _ inode: UInt64?,
        to target: (DirectoryTree.Index, String)? = nil, pid: Int32 = OverlayFoldingTests.pid
    ) -> OverlayFolding.Observation {
        OverlayFolding.Observation(
            pid: pid, mask: mask, isInWork: directory == Self.work, directory: directory, name: Array(name.utf8),
            target: target.map { .init(isInWork: $0.0 == Self.work, directory: $0.0, name: Array($0.1.utf8)) },
            object: inode.map(file))
    }

    /// The verdicts on records that become events 0, 1, … in their order, and which of those were folded afterwards.
    private func judge(
        _ records: [OverlayFolding.Observation], whiteouts: Set<UInt64> = []
    ) -> (verdicts: [OverlayFolding.Verdict], folded: [Int]) {
        var folding = OverlayFolding()
        var verdicts: [OverlayFolding.Verdict] = []
        var folded: [Int] = []
        for (event, record) in records.enumerated() {
            let outcome = folding.judge(record) { record.object.map { whiteouts.contains($0.inode) } ?? true }
            folding.keep(record, asEvent: event, verdict: outcome.verdict)
            verdicts.append(outcome.verdict)
            if let event = outcome.folded { folded.append(event) }
        }
        return (verdicts, folded)
    }

    @Test func aFileThatIsCopiedUpLeavesOnlyItsChange() {
        let attrib: EventMask = [.attrib, .onDirectory]
        let outcome = judge([
            record(attrib, Self.layer, ".", nil), record(.attrib, Self.work, "#5", 5),
            record([.modify, .attrib], Self.work, "#5", 5), record(.create, Self.layer, "conf", 5),
            record(attrib, Self.layer, ".", nil), record(.closeWrite, Self.work, "#5", 5),
            record(.modify, Self.layer, "conf", 5), record(.closeWrite, Self.layer, "conf", 5),
        ])
        #expect(outcome.verdicts == [.keep, .fold, .fold, .fold, .fold, .fold, .keep, .keep])
        #expect(outcome.folded == [0], "the attribute of the directory before it is part of it")
    }

    /// As Linux 6.1 goes on to report it.
    @Test func whatWasCopiedUpIsKnownByItsNameInTheWorkDirectory() {
        var entry = OverlayFolding.Entry(directory: Self.layer, name: Array("conf".utf8))
        let copied = [
            record([.modify, .attrib, .closeWrite], Self.work, "#5", 5), record(.create, Self.layer, "conf", 5),
            record(.closeWrite, Self.work, "#5", 5), record(.attrib, Self.work, "#5", 5),
            record(.modify, Self.work, "#5", 5),
        ]
        #expect(judge(copied).verdicts == [.fold, .fold, .fold, .keepAt(entry), .keepAt(entry)])
        let moved = [
            record(.rename, Self.layer, "conf", 5, to: (Self.layer, "moved"), pid: 8),
            record(.attrib, Self.work, "#5", 5), record(.delete, Self.layer, "moved", 5, pid: 8),
            record(.attrib, Self.work, "#5", 5),
        ]
        entry.name = Array("moved".utf8)
        #expect(judge(Array(copied.prefix(2)) + moved).verdicts.dropFirst(2) == [.keep, .keepAt(entry), .keep, .fold])
        var folding = OverlayFolding()
        for record in copied.prefix(2) { _ = folding.judge(record) { false } }
        #expect(folding.mayConcern(pid: 8, mask: .rename) && folding.mayConcern(pid: 8, mask: .delete))
    }

    @Test func whatWasCopiedUpIsAFileLikeAnyOther() {
        let outcome = judge([
            record([.modify, .attrib], Self.work, "#5", 5), record(.create, Self.layer, "conf", 5),
            record(.closeWrite, Self.work, "#5", 5), record(.create, Self.layer, "second link", 5),
        ])
        #expect(outcome.verdicts == [.fold, .fold, .fold, .keep])
    }

    @Test func whatIsGoneFromTheWorkDirectoryLeavesItsNumberToOthers() {
        let directory: EventMask = .onDirectory
        let outcome = judge([
            record(.create, Self.work, "#1", 9), record(.delete, Self.work, "#1", 9),
            record(.create, Self.layer, "new", 9),
            record([.create, directory], Self.work, "#2", 10),
            record([.rename, directory], Self.work, "#2", 10, to: (Self.layer, "etc")),
            record([.create, directory], Self.layer, "other", 10),
        ])
        #expect(outcome.verdicts == [.fold, .fold, .keep, .fold, .fold, .keep])
    }

    @Test func aBatchWaitsWhileADirectoryMayBeginACopyUp() {
        var folding = OverlayFolding()
        let attrib = record([.attrib, .onDirectory], Self.layer, ".", nil)
        #expect(!folding.awaitsNextRecord)
        let first = folding.judge(attrib) { false }
        folding.keep(attrib, asEvent: 0, verdict: first.verdict)
        #expect(folding.awaitsNextRecord)
        let next = folding.judge(record(.attrib, Self.work, "#5", 5)) { false }
        #expect(next.folded == 0)
        #expect(!folding.awaitsNextRecord)
        folding.keep(attrib, asEvent: 1, verdict: first.verdict)
        folding.beginBatch()
        #expect(!folding.awaitsNextRecord)
    }

    @Test func whatWasJoinedWithTheCopyingStays() {
        let outcome = judge([
            record([.modify, .attrib], Self.work, "#5", 5), record([.create, .attrib], Self.layer, "three", 5),
        ])
        #expect(outcome.verdicts == [.fold, .keepOnly(.attrib)])
    }

    @Test func aDirectoryThatIsCopiedUpLeavesNothing() {
        let directory: EventMask = .onDirectory
        let outcome = judge([
            record([.create, directory], Self.work, "#94", 94), record([.attrib, directory], Self.work, "#94", nil),
            record([.rename, directory], Self.work, "#94", 94, to: (Self.layer, "etc")),
            record([.attrib, directory], Self.layer, ".", nil),
        ])
        #expect(outcome.verdicts == [.fold, .fold, .fold, .fold])
    }

    @Test func aDeleteOfALowerFileIsOneDelete() {
        let outcome = judge(
            [
                record(.create, Self.work, "#95", 62), record(.create, Self.work, "#96", 62),
                record(.rename, Self.work, "#96", 62, to: (Self.layer, "two")),
            ], whiteouts: [62])
        #expect(outcome.verdicts == [.fold, .fold, .deleteTarget])
    }

    @Test func aRemovedDirectoryIsOneDeleteOfIt() {
        let rename: EventMask = [.rename, .onDirectory]
        let outcome = judge(
            [
                // It is emptied by an opaque one first.
                record([.create, .onDirectory], Self.work, "#9a", 81),
                record(rename, Self.work, "#9a", 81, to: (Self.layer, "deep")),
                record(rename, Self.layer, "deep", 94, to: (Self.work, "#9a")),
                record(.delete, Self.work, "#9a/three", 62), record([.delete, .onDirectory], Self.work, "#9a", 94),
                record(.rename, Self.work, "#9b", 62, to: (Self.layer, "deep")),
                record(rename, Self.layer, "deep", 81, to: (Self.work, "#9b")),
                record([.delete, .onDirectory], Self.work, "#9b", 81),
            ], whiteouts: [62])
        #expect(
            outcome.verdicts == [
                .fold, .fold, .fold, .fold, .fold, .deleteTarget, .completeDelete(event: 5, file(81)), .fold,
            ])
    }

    @Test func whatIsMadeWhereAWhiteoutIsIsOneCreate() {
        let rename: EventMask = [.rename, .onDirectory]
        let made = judge([
            record(.create, Self.work, "#9d", 81), record(.rename, Self.work, "#9d", 81, to: (Self.layer, "two")),
        ])
        #expect(made.verdicts == [.fold, .createTarget])
        let directory = judge(
            [
                record([.create, .onDirectory], Self.work, "#9c", 70),
                record([.attrib, .onDirectory], Self.work, "#9c", nil),
                record(rename, Self.work, "#9c", 70, to: (Self.layer, "deep")),
                record(.rename, Self.layer, "deep", 62, to: (Self.work, "#9c")),
                record(.delete, Self.work, "#9c", 62),
            ], whiteouts: [62])
        #expect(directory.verdicts == [.fold, .fold, .fold, .createSource(file(70)), .fold])
    }

    @Test func aSymbolicLinkThatIsCopiedUpIsToldFromOneThatIsMade() {
        let copied = judge([
            record(.create, Self.work, "#1", 9), record(.attrib, Self.work, "#1", 9),
            record(.rename, Self.work, "#1", 9, to: (Self.layer, "link")),
        ])
        #expect(copied.verdicts == [.fold, .fold, .fold])
    }

    @Test func whatIsDoneInTheLayerItselfIsKept() {
        let outcome = judge([
            record([.create, .onDirectory], Self.layer, "d", 3), record([.attrib, .onDirectory], Self.layer, ".", nil),
            record(.rename, Self.layer, "a", 4, to: (Self.layer, "b")), record(.delete, Self.layer, "b", 4),
        ])
        #expect(outcome.verdicts == [.keep, .keep, .keep, .keep])
        #expect(outcome.folded == [])
    }

    @Test func anotherProcessIsNoPartOfIt() {
        let attrib: EventMask = [.attrib, .onDirectory]
        let outcome = judge([
            record(attrib, Self.layer, ".", nil, pid: 8), record(.attrib, Self.work, "#5", 5),
            record(.create, Self.layer, "conf", 5), record(attrib, Self.layer, ".", nil, pid: 8),
        ])
        #expect(outcome.verdicts == [.keep, .fold, .fold, .keep])
        #expect(outcome.folded == [])
    }

    @Test func nothingGrowsWithoutBound() {
        var folding = OverlayFolding()
        for number in 0..<20_000 {
            let seen = record(.create, Self.work, "#\(number)", UInt64(number), pid: Int32(number))
            _ = folding.judge(seen) { false }
        }
        // The oldest is forgotten, the newest known.
        #expect(folding.judge(record(.create, Self.layer, "x", 0)) { false }.verdict == .keep)
        #expect(folding.judge(record(.create, Self.layer, "x", 19_999)) { false }.verdict == .fold)
    }
}
