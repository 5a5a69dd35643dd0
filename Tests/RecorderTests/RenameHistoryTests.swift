import Testing

@testable import Recorder

@Suite struct RenameHistoryTests {
    private func place(_ name: String) -> RenameHistory.Place { .init(parent: 0, name: Array(name.utf8)) }

    @Test func aChainOfNewNamesIsNotInDoubt() {
        var history = RenameHistory()
        history.note(7, from: place("a"), to: place("b"))
        history.note(7, from: place("b"), to: place("c"))
        #expect(history.ambiguous.isEmpty)
    }

    @Test func aRenameBackIsInDoubt() {
        var history = RenameHistory()
        history.note(7, from: place("a"), to: place("b"))
        history.note(7, from: place("b"), to: place("a"))
        #expect(history.ambiguous == [7])
    }

    @Test func anotherDirectoryTakingTheNameIsNot() {
        var history = RenameHistory()
        history.note(7, from: place("a"), to: place("b"))
        history.note(8, from: place("x"), to: place("a"))
        #expect(history.ambiguous.isEmpty)
    }

    @Test func anEmptyQueueStartsAnew() {
        var history = RenameHistory()
        history.note(7, from: place("a"), to: place("b"))
        history.removeAll()
        history.note(7, from: place("b"), to: place("a"))
        #expect(history.ambiguous.isEmpty)
    }

    @Test func doubtBeginsWithTheFirstOfTheRenames() {
        var history = RenameHistory()
        #expect(history.note(7, from: place("a"), to: place("b"), event: 5) == nil)
        #expect(history.note(7, from: place("b"), to: place("c"), event: 6) == nil)
        #expect(history.note(7, from: place("c"), to: place("a"), event: 9) == 5)
        history.beginBatch()
        #expect(history.note(7, from: place("a"), to: place("b"), event: 2) == 0)
    }

    @Test func recordsOfDifferentPassesAreNotJoinedButWhatIsInDoubtStaysSo() {
        var history = RenameHistory()
        history.note(7, from: place("a"), to: place("b"))
        history.beginPass()
        history.note(7, from: place("b"), to: place("a"))
        #expect(history.ambiguous.isEmpty)
        history.note(7, from: place("a"), to: place("b"))
        history.beginPass()
        #expect(history.ambiguous == [7])
        #expect(!history.isEmpty)
    }

    @Test func nothingGrowsWithoutBound() {
        var history = RenameHistory()
        for number in 0..<20_000 {
            history.note(Int32(number), from: place("a\(number)"), to: place("b\(number)"))
        }
        #expect(history.ambiguous.count == RenameHistory.maximumCount)
    }
}
