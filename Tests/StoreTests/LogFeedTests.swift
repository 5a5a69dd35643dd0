import Block
import Model
import Store
import Syscalls
import TestSupport
import Testing

/// What the store's writer hands over of its log, and what waits for whom.
@Suite struct LogFeedTests {
    private static func feed() -> LogFeed {
        LogFeed(wakeReader: {}, wakeWriter: {})
    }

    /// A commit of about `byteCount` bytes that do not compress.
    private static func note(_ byteCount: Int = 10) -> Additions {
        var additions = Additions()
        additions.notes = [
            Note(moment: StoreScene.start, uid: nil, text: String(repeating: "x", count: byteCount))
        ]
        return additions
    }

    private static func image(of feed: LogFeed) throws -> LiveImage {
        guard case .image(let image) = feed.take() else {
            Issue.record("no image")
            throw StoreError(.busy, "no image")
        }
        return image
    }

    private static func stretches(of feed: LogFeed) -> [LogStretch] {
        var stretches: [LogStretch] = []
        while let message = feed.take() {
            if case .stretch(let stretch) = message { stretches.append(stretch) }
        }
        return stretches
    }

    @Test func theFirstImageHasEveryFrameOfTheLogAndTheTimesOfItsCommits() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let feed = Self.feed()
        writer.follow(with: feed)
        writer.serveFeed()
        feed.askForImage()
        writer.serveFeed()
        #expect(feed.take() == nil, "before the first commit nobody knows what counts of the log")
        let before = Clock.realtime()
        try writer.append(Self.note())
        try writer.append(Self.note(20_000))
        writer.serveFeed()
        let image = try Self.image(of: feed)
        #expect(feed.phase == .imaging)
        #expect(image.log.first?.firstFrame == 1)
        let notes = image.log.flatMap(\.notes)
        #expect(notes.count == 2)
        #expect(notes.allSatisfy { $0.low >= before && $0.low <= $0.high && $0.high <= Clock.realtime() })
        #expect(notes.last == image.note)
        #expect(image.log.reduce(0) { $0 + $1.bytes.count } == Int(image.note.frame) * 4_120)
        writer.close()
    }

    @Test func checkpointsWaitForAnImageAndCommitsDoNot() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let feed = Self.feed()
        writer.follow(with: feed)
        try writer.append(Self.note())
        writer.serveFeed()
        #expect(feed.take() == nil, "nobody asked")
        feed.askForImage()
        writer.serveFeed()
        _ = try Self.image(of: feed)
        let before = try Files.contents(of: scene.layout.database, limit: 1 << 24)
        for _ in 0..<30 { try writer.append(Self.note(200_000)) }
        _ = try writer.checkpointIfDue()
        #expect(try Files.contents(of: scene.layout.database, limit: 1 << 24) == before)
        #expect(feed.endImage(follow: true))
        writer.beginFullCompaction()
        while writer.isFullCompactionRunning { _ = try writer.compactStep() }
        #expect(try Files.contents(of: scene.layout.database, limit: 1 << 24) != before)
        #expect(!Self.stretches(of: feed).isEmpty, "before a checkpoint everything is handed over")
        writer.close()
    }

    @Test func anImageIsGivenUpBeforeTheLogGrowsWithoutEnd() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let feed = Self.feed()
        writer.follow(with: feed)
        try writer.append(Self.note())
        writer.serveFeed()
        #expect(feed.take() == nil, "nobody asked")
        feed.askForImage()
        writer.serveFeed()
        _ = try Self.image(of: feed)
        for _ in 0..<150 {
            try writer.append(Self.note(200_000))
            _ = try writer.checkpointIfDue()
        }
        #expect(feed.isImageAborted)
        #expect(feed.phase == .off)
        #expect(!feed.endImage(follow: true))
        let byteCount = try scene.layout.wal.status().byteCount
        #expect(byteCount < 40 << 20)
        writer.close()
    }

    @Test func everyCommitIsHandedOverOnceWhateverTheLogDoes() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let feed = Self.feed()
        writer.follow(with: feed)
        try writer.append(Self.note())
        writer.serveFeed()
        #expect(feed.take() == nil, "nobody asked")
        feed.askForImage()
        writer.serveFeed()
        _ = try Self.image(of: feed)
        #expect(feed.endImage(follow: true))
        var salts: Set<[UInt8]> = []
        var noteCount = 0
        for round in 0..<40 {
            for _ in 0..<50 { try writer.append(Self.note(round % 3 == 0 ? 40_000 : 100)) }
            _ = try writer.checkpointIfDue()
            if round % 7 == 0 { try writer.compactAll() }
            writer.handOverLog()
            var next: [[UInt8]: UInt32] = [:]
            for stretch in Self.stretches(of: feed) where !stretch.bytes.isEmpty {
                let key = Array(stretch.header[16..<24])
                if let expected = next[key] { #expect(stretch.firstFrame == expected) }
                next[key] = stretch.firstFrame + UInt32(stretch.bytes.count / 4_120)
                salts.insert(key)
                noteCount += stretch.notes.count
            }
        }
        #expect(noteCount >= 40 * 50)
        #expect(salts.count > 3, "the log was started over in between")
        writer.close()
    }

    @Test func whatDoesNotFitEndsTheFeedAndNotTheRecording() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let feed = Self.feed()
        writer.follow(with: feed)
        try writer.append(Self.note())
        writer.serveFeed()
        #expect(feed.take() == nil, "nobody asked")
        feed.askForImage()
        writer.serveFeed()
        _ = try Self.image(of: feed)
        #expect(feed.endImage(follow: true))
        for _ in 0..<200 {
            try writer.append(Self.note(200_000))
            _ = try writer.checkpointIfDue()
            #expect(feed.byteCount <= LogFeed.byteLimit)
        }
        guard case .broken = feed.take() else {
            Issue.record("it says that something is missing")
            return
        }
        #expect(feed.take() == nil)
        #expect(feed.phase == .off)
        writer.close()
    }

    @Test func theEndComesLastAlsoWhereNobodyFollows() throws {
        let scene = try StoreScene()
        var writer = try scene.writer()
        let feed = Self.feed()
        writer.follow(with: feed)
        try writer.append(Self.note())
        feed.turnOff()
        writer.endFeed(at: StoreScene.start)
        guard case .end(let moment) = feed.take() else {
            Issue.record("no end")
            return
        }
        #expect(moment == StoreScene.start)
        writer.close()
    }
}
