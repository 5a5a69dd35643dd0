import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

@testable import Recorder

@Suite struct StreamRecorderTests {
    private static let pageSize = 512
    private static let uuid = UUIDBytes(high: 0xAAAA_0000_0000_4002, low: 0x8000_0000_0000_0001)

    private static func moment(_ second: UInt64) -> Instant {
        Instant(nanosecondsSinceEpoch: Int64(second) * 1_000_000_000)
    }

    /// Of one page; it became visible in the second before the one that has its number.
    private static func commit(_ number: UInt64) -> CapturedCommit {
        CapturedCommit(
            number: number, low: moment(number - 1), high: moment(number), databasePageCount: 2, frame: UInt32(number),
            salts: 1, changeCounter: nil, status: .published, attribution: .unknown, writers: [], checkpointer: [],
            pages: [2], bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: pageSize))
    }

    /// What three commits and the end leave of a stream whose files go below `store`.
    private static func rows(in store: RawPath) -> Additions {
        let stream = DatabaseStream(
            uuid: uuid, device: 1, inode: 2, birth: nil, paths: [RawPath("/nowhere/a.db")], pageSize: UInt32(pageSize),
            firstSeen: moment(1))
        let recorder = StreamRecorder(
            KnownStream(stream), place: CapturePlace(store: store, readsAsUser: false)
        ) { false }
        recorder.take(stream)
        for number in 5...7 as ClosedRange<UInt64> { recorder.take(commit(number)) }
        recorder.take(watchedUntil: moment(9))
        var additions = Additions()
        recorder.moveRows(to: &additions)
        return additions
    }

    @Test func theEndIsSaidTogetherWithTheLastCommits() throws {
        let directory = try TemporaryDirectory()
        let additions = Self.rows(in: RawPath(directory.path))
        #expect(additions.capture.segments.map(\.lastCommit) == [7])
        #expect(additions.capture.gaps.isEmpty && additions.gaps.isEmpty)
        #expect(additions.capture.watchedUntil == [Self.uuid: Self.moment(9)])
    }

    /// The gap begins with the first of them: a moment among them has no state that could be given.
    @Test func commitsThatCannotBeStoredAreAGapFromTheFirstToTheLast() throws {
        let directory = try TemporaryDirectory()
        // No directory can be made where a file is.
        try Files.write([], to: RawPath(directory.appending("segments")))
        let additions = Self.rows(in: RawPath(directory.path))
        #expect(additions.capture.segments.isEmpty)
        #expect(
            additions.capture.gaps == [
                CaptureGapRow(
                    stream: Self.uuid,
                    gap: CaptureGap(
                        first: 5, last: 7, missedCount: 3, low: Self.moment(4), high: Self.moment(7), cause: .notStored)
                )
            ])
        #expect(additions.gaps.map(\.count) == [3])
        #expect(additions.capture.watchedUntil == [Self.uuid: Self.moment(9)])
    }
}
