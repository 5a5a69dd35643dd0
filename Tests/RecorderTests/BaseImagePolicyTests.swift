import Block
import Model
import Segment
import Store
import TestSupport
import Testing

@testable import Recorder

@Suite struct BaseImagePolicyTests {
    private static let uuid = UUIDBytes(high: 0xAAAA_0000_0000_4002, low: 0x8000_0000_0000_0003)

    /// Of ten pages, each of which has its number and `changed` for a hash.
    private static func hashes(changed: Int, count: UInt32 = 10) -> PageHashes {
        var hashes = PageHashes(stream: uuid)
        for page in 1...count { hashes.set(page, UInt64(page) + (page <= changed ? 1_000 : 0)) }
        return hashes
    }

    private static func state(_ commit: UInt64, changed: Int = 0) -> BaseImagePolicy.KnownState {
        BaseImagePolicy.KnownState(commit: commit, hashes: hashes(changed: changed))
    }

    /// A file of a row that says so much.
    private static func image(_ byteCount: UInt64, builtOn: UInt64? = nil) throws -> BaseImageRow {
        let directory = try TemporaryDirectory()
        let files = SegmentFiles(directory: RawPath(directory.path))
        var file = try files.beginBaseImage(
            BaseImageHeader(
                stream: uuid, pageSize: 512, commit: 9, low: .distantPast, high: .distantPast, pageCount: 1))
        try file.append([UInt8](repeating: 0, count: 512))
        var row = try file.finish().row
        row.byteCount = byteCount
        row.builtOn = builtOn
        return row
    }

    private static func rooted(wholeByteCount: UInt64 = 1 << 20) throws -> BaseImagePolicy {
        var policy = BaseImagePolicy()
        policy.begin(isWhole: true)
        policy.note(try image(wholeByteCount))
        return policy
    }

    @Test func theFirstImageIsWhole() {
        let policy = BaseImagePolicy()
        #expect(policy.comparedHashes == nil)
        #expect(policy.changes(to: Self.hashes(changed: 1), isSparse: false) == nil)
    }

    @Test func afterAGapOnlyWhatChangedIsKept() throws {
        var policy = try Self.rooted()
        policy.breakOff(behind: Self.state(7))
        #expect(policy.comparedHashes?.state == Self.hashes(changed: 0).state)
        let changes = try #require(policy.changes(to: Self.hashes(changed: 3), isSparse: false))
        #expect(changes.pages == [1, 2, 3])
        #expect(changes.rebase.builtOn == 7 && changes.rebase.heldPageCount == 3)
        policy.begin(isWhole: false)
        #expect(policy.comparedHashes == nil, "there is a newer state")
        policy.note(try Self.image(100, builtOn: 7))
        policy.breakOff(behind: Self.state(11, changed: 3))
        #expect(policy.known?.commit == 11)
    }

    @Test func whereMoreThanHalfChangedTheImageIsWhole() throws {
        var policy = try Self.rooted()
        policy.breakOff(behind: Self.state(7))
        #expect(policy.changes(to: Self.hashes(changed: 5), isSparse: false) != nil)
        #expect(policy.changes(to: Self.hashes(changed: 6), isSparse: false) == nil)
        #expect(policy.changes(to: Self.hashes(changed: 6), isSparse: true) != nil, "the others were not copied")
        // Pages that were cut off are in no file.
        let cut = try #require(policy.changes(to: Self.hashes(changed: 0, count: 2), isSparse: false))
        #expect(cut.pages.isEmpty)
    }

    @Test func whatWasBuiltOnAnImageThatFailedIsNoState() throws {
        var policy = try Self.rooted()
        policy.begin(isWhole: true)
        #expect(policy.left(Self.state(8)) == nil, "the image is not there yet")
        policy.breakOff(behind: Self.state(8))
        policy.fail()
        #expect(policy.known == nil && policy.left(nil) == nil)
        policy.breakOff(behind: Self.state(9))
        #expect(policy.known == nil)
    }

    @Test func rebasesCountTowardsTheNextWholeImage() throws {
        var policy = try Self.rooted(wholeByteCount: 5 << 20)
        for number in 1...4 as ClosedRange<UInt64> {
            #expect(!policy.isWholeDue)
            policy.breakOff(behind: Self.state(number))
            policy.begin(isWhole: false)
            policy.note(try Self.image(5 << 20, builtOn: number))
        }
        #expect(policy.isWholeDue, "four times its size")
        policy.breakOff(behind: Self.state(9))
        #expect(policy.comparedHashes == nil)
        #expect(policy.changes(to: Self.hashes(changed: 1), isSparse: false) == nil)
        policy.begin(isWhole: true)
        #expect(!policy.isWholeDue)
    }

    /// However often a recorder is started, its rows say what came since.
    @Test func whatOtherRunsWroteCounts() throws {
        var rebase = try Self.image(17 << 20, builtOn: 9)
        rebase.commit = 12
        let bases = [try Self.image(1 << 20), rebase]
        #expect(BaseImagePolicy([], bases).isWholeDue)
        #expect(!BaseImagePolicy([], [bases[0]]).isWholeDue)
        #expect(!BaseImagePolicy([], []).isWholeDue)
    }

    @Test func theNextRecorderBuildsOnTheLastStateOrOnTheOneBeforeTheGap() throws {
        var policy = try Self.rooted()
        #expect(policy.left(Self.state(8))?.commit == 8)
        policy.breakOff(behind: Self.state(8))
        #expect(policy.left(nil)?.commit == 8)
        var next = BaseImagePolicy()
        next.resume(behind: Self.state(8))
        #expect(next.comparedHashes != nil && next.left(nil)?.commit == 8)
    }
}
