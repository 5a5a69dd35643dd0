import Model
import Testing

@testable import Fanotify
@testable import Recorder

@Suite struct DirectoryScanTests {
    private static func handle(_ number: UInt64) -> FileHandle {
        FileHandle(filesystemBits: 7, type: 1, count: 8, words: (number, 0, 0))
    }

    private static func place(
        _ index: DirectoryTree.Index, in tree: inout DirectoryTree, at parent: DirectoryTree.Index, _ name: String
    ) {
        let bytes = Array(name.utf8)
        // SAFETY: bytes have no padding, and the array outlives the call.
        unsafe tree.place(index, parent: parent, name: bytes.span.bytes)
    }

    @Test func aTreeThatIsFullKeepsWhatCarriesAMark() {
        var tree = DirectoryTree(seed: 1)
        let top = tree.findOrInsert(Self.handle(1))
        tree[top].state = .root
        tree[top].isWatched = true
        var parent = top
        // Chains of what is marked, each with something beside it that is not.
        for number in 2...60 as ClosedRange<UInt64> {
            let index = tree.findOrInsert(Self.handle(number))
            Self.place(index, in: &tree, at: parent, "n\(number)")
            tree[index].isWatched = number % 3 != 0
            if tree[index].isWatched { parent = index }
        }
        let outside = tree.findOrInsert(Self.handle(100))
        tree[outside].isWatched = true
        tree[outside].state = .outside
        tree.keepWatched()
        #expect(tree.find(Self.handle(3)) == DirectoryTree.none)
        let gone = tree.find(Self.handle(100))
        #expect(gone != DirectoryTree.none && tree[gone].state == .outside && tree[gone].isWatched)
        var last: UInt64 = 1
        for number in 2...60 as ClosedRange<UInt64> where number % 3 != 0 {
            let index = tree.find(Self.handle(number))
            #expect(index != DirectoryTree.none)
            #expect(tree[index].isWatched && tree[index].state == .placed)
            #expect(tree.name(of: index).elementsEqual("n\(number)".utf8))
            #expect(tree.handle(of: tree[index].parent) == Self.handle(last))
            last = number
        }
    }

    @Test func whatIsMissedIsNamedUpToANumber() throws {
        var missed = MissedDirectories()
        let top = RawPath("/top")
        let from = Instant(nanosecondsSinceEpoch: 5)
        let to = Instant(nanosecondsSinceEpoch: 9)
        for number in 0..<100 { missed.add(top.appending("\(number)".utf8), cause: "c", from: from, to: to, tree: top) }
        let gaps = missed.takeGaps()
        #expect(gaps.count == MissedDirectories.maximumNamedCount + 1)
        #expect(gaps.allSatisfy { $0.kind == .notCovered && $0.from == from && $0.to == to })
        #expect(gaps.last?.scope == top)
        #expect(gaps.last?.cause.contains("36 more directories") == true)
        #expect(missed.isEmpty)
        // Of those that stay unmarked the rows are bounded over the whole run.
        var rows = 0
        for _ in 0..<200 {
            for number in 0..<20 {
                missed.add(
                    top.appending("\(number)".utf8), cause: "c", from: from, to: .distantFuture, tree: top)
            }
            rows += missed.takeGaps().count
        }
        #expect(rows == MissedDirectories.maximumOpenCount + 1)
        // Then one says it of the tree, to the end.
        #expect(missed.isEmpty)
    }

    @Test func aReviewTakesASmallPartOfTheTime() {
        var scan = DirectoryScan(
            marker: DirectoryMarker(group: nil, operations: .create, own: []), crawls: [])
        #expect(!scan.reviewIsDue(at: 1))
        scan.wantReview(since: Instant(nanosecondsSinceEpoch: 7))
        scan.wantReview(since: Instant(nanosecondsSinceEpoch: 3))
        #expect(scan.reviewIsDue(at: 1))
        scan.beginReview(of: [4], at: 1)
        #expect(scan.waiting.map(\.since) == [Instant(nanosecondsSinceEpoch: 3)])
        #expect(scan.isReviewing && !scan.reviewIsDue(at: 2))
        scan.waiting.removeAll()
        scan.endReview(at: 100_000_001)
        scan.wantReview(since: .distantPast)
        #expect(!scan.reviewIsDue(at: 2_000_000_000))
        #expect(scan.reviewIsDue(at: 2_100_000_001))
    }
}
