import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

@testable import Recorder

/// Pages that are played, in memory.
private struct PlayedPages: PageStore {
    let pageSize: Int
    var bytes: [UInt8] = []

    func page(_ number: UInt32) -> [UInt8]? {
        let end = Int(number) * pageSize
        return end <= bytes.count ? Array(bytes[end - pageSize..<end]) : nil
    }

    mutating func write(_ number: UInt32, _ page: ArraySlice<UInt8>) {
        let end = Int(number) * pageSize
        if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
        bytes.replaceSubrange(end - pageSize..<end, with: page)
    }

    mutating func resize(to count: UInt32) {
        bytes.removeSubrange(min(bytes.count, Int(count) * pageSize)...)
    }
}

/// What a stream's recorder makes of a real writer's commits when some of them are missing.
@Suite struct StreamRebaseTests {
    /// A recorder of the scene's database that is fed with its commits.
    private final class Fed {
        let scene: FuzzyScene
        let recorder: StreamRecorder
        let files: SegmentFiles
        private(set) var rows = CaptureRows()
        private(set) var number: UInt64
        /// The places of commits by their numbers.
        private(set) var places: [UInt64: LogPlace] = [:]

        init(_ scene: FuzzyScene, after number: UInt64 = 0, known: ((DatabaseStream) -> KnownStream)? = nil) throws {
            self.scene = scene
            self.number = number
            let status = try RawPath(scene.path).status()
            let stream = DatabaseStream(
                uuid: FuzzyScene.stream, device: status.device, inode: status.inode, birth: nil,
                paths: [RawPath(scene.path)], pageSize: 1_024, firstSeen: Clock.realtime())
            let store = RawPath(scene.directory.appending("store"))
            try Files.makeDirectories(store)
            files = SegmentFiles(store: store)
            recorder = StreamRecorder(
                known?(stream) ?? KnownStream(stream), place: CapturePlace(store: store, readsAsUser: false)
            ) { false }
            recorder.take(stream)
        }

        func commit(_ statement: String) throws {
            try scene.commit(statement)
            for var commit in try #require(try scene.step(), "nothing is missing here") {
                number += 1
                commit.number = number
                commit.low = Clock.realtime()
                commit.high = commit.low
                places[number] = commit.place
                recorder.take(commit)
            }
        }

        /// Commits that nobody sees.
        func miss(_ statements: [String]) throws {
            for statement in statements {
                try scene.commit(statement)
                try scene.checkpoint("truncate")
            }
            // Where they are not known to be missing the log was followed to its end.
            while try scene.step() == nil {}
            tellGap()
        }

        func tellGap() {
            number += 1
            recorder.take(
                CaptureGap(
                    first: number, last: number, missedCount: nil, low: Clock.realtime(), high: Clock.realtime(),
                    cause: .wrapped))
        }

        /// Has commits made until there are so many base images.
        func waitForImages(_ count: Int) throws {
            for round in 0..<2_000 where rows.bases.count < count {
                try commit("update t set b = randomblob(600) where a = \(1 + round % 3)")
                advance(isEnding: false)
                Clock.sleep(nanoseconds: 5_000_000)
            }
            #expect(rows.bases.count == count)
        }

        func advance(isEnding: Bool) {
            recorder.advance(now: Clock.monotonic(), isEnding: isEnding)
            var additions = Additions()
            recorder.moveRows(to: &additions)
            rows.append(contentsOf: additions.capture)
        }

        /// Plays all rows in order from the newest whole image on, and compares each state with what SQLite made of the
        /// database then. Gives how many were compared.
        func check() throws -> Int {
            let base = try #require(rows.bases.last { $0.builtOn == nil })
            var pages = PlayedPages(pageSize: 1_024)
            let reader = try files.open(base)
            let hashes = try reader.hashes { page, bytes in pages.write(page, bytes) }
            var player = try SegmentPlayer(hashes: hashes, commit: base.commit)
            var count = 0
            while true {
                let reached = player.commit
                if let place = places[reached] {
                    let file = try #require(scene.kept[place])
                    let isSame = try pages.bytes == Files.contents(of: RawPath(file), limit: 1 << 26)
                    #expect(isSame, "commit \(reached)")
                    count += 1
                }
                if let row = rows.segments.first(where: { $0.firstCommit <= reached + 1 && $0.lastCommit > reached }),
                    row.isAnchored
                {
                    let file = try files.open(row)
                    // From the beginning of the segment each time: only whole ones are played.
                    try player.play(file.index, upTo: row.lastCommit, into: &pages) { try file.block($0) }
                } else if let row = rows.bases.first(where: { $0.builtOn == reached }) {
                    let file = try files.open(row)
                    try player.play(file.index, into: &pages) { try file.block($0) }
                } else {
                    return count
                }
            }
        }
    }

    @Test func afterAGapOnlyWhatChangedIsWritten() throws {
        let fed = try Fed(try FuzzyScene())
        try fed.waitForImages(1)
        for gap in 1...3 {
            try fed.miss([
                "update t set b = randomblob(600) where a in (4, 90)", "delete from t where a = \(100 + gap)",
            ])
            try fed.waitForImages(1 + gap)
            try fed.commit("insert into t(b) values(randomblob(900))")
        }
        fed.advance(isEnding: true)
        #expect(fed.rows.bases[0].builtOn == nil)
        #expect(fed.rows.bases.dropFirst().allSatisfy { $0.builtOn != nil }, "\(fed.rows.bases)")
        let whole = fed.rows.bases[0].byteCount
        #expect(fed.rows.bases.dropFirst().allSatisfy { $0.byteCount < whole / 4 }, "\(fed.rows.bases)")
        #expect(try fed.check() >= 4)
    }

    @Test func whereNearlyAllChangedTheImageIsWhole() throws {
        let fed = try Fed(try FuzzyScene())
        try fed.waitForImages(1)
        try fed.miss(["update t set b = randomblob(600)"])
        try fed.waitForImages(2)
        fed.advance(isEnding: true)
        #expect(fed.rows.bases.map(\.builtOn) == [nil, nil])
        #expect(try fed.check() >= 1)
    }

    /// The states since an image that cannot be read by anybody lead nowhere: the next one is whole.
    @Test func withoutAnImageInTheStoreNothingIsBuiltOn() throws {
        let fed = try Fed(try FuzzyScene())
        try fed.commit("update t set b = randomblob(600) where a = 9")
        // Nothing was copied yet.
        fed.tellGap()
        try fed.waitForImages(1)
        #expect(fed.rows.bases.map(\.builtOn) == [nil])
    }

    /// What was left at the end counts at the next beginning, and only for the state that the rows name.
    @Test(arguments: [true, false]) func theNextRecorderBuildsOnWhatWasLeft(isNewest: Bool) throws {
        let scene = try FuzzyScene()
        let first = try Fed(scene)
        try first.waitForImages(1)
        try first.commit("update t set b = randomblob(600) where a = 9")
        first.advance(isEnding: true)
        let (segments, bases) = (first.rows.segments, first.rows.bases)
        try scene.commit("update t set b = randomblob(600) where a = 11")
        _ = try scene.step()
        let second = try Fed(scene, after: first.number) { stream in
            var known = KnownStream(stream)
            known.lastState = StreamState(stream, isNewest ? segments : Array(segments.dropLast()), bases)
            known.policy = BaseImagePolicy(segments, bases)
            return known
        }
        second.tellGap()
        try second.waitForImages(1)
        #expect(second.rows.bases[0].builtOn == (isNewest ? first.number : nil))
    }
}
