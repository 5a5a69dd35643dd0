import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport

@testable import Recorder

/// A store that is written and archived step by step in one thread.
struct ArchiveScene: ~Copyable {
    let place: TemporaryDirectory
    var writer: StoreWriter
    var loop: ArchiveLoop
    let request: ArchiveRequest
    private var generator = SeededGenerator(seed: 44)

    static func store(in place: borrowing TemporaryDirectory) -> RawPath { RawPath(place.appending("store")) }
    static func archive(in place: borrowing TemporaryDirectory) -> RawPath { RawPath(place.appending("archive")) }

    /// Opens store and archive, and makes the first commit.
    init(in place: consuming TemporaryDirectory, limits: ArchiveLimits = ArchiveLimits()) throws {
        var writer = try StoreWriter(directory: Self.store(in: place), create: true)
        let request = try ArchiveRequest.begin(Self.archive(in: place), limits: limits, &writer) { _ in }
        _ = try writer.beginRun(
            RunRecord(
                bootID: .zero, started: Clock.realtime(), startedMonotonicNanoseconds: 0, pid: 1, version: "1",
                options: ""), coverage: [])
        self.request = request
        self.writer = writer
        loop = ArchiveLoop(request, shortestPauseNanoseconds: 0)
        self.place = place
    }

    var archive: RawPath { Self.archive(in: place) }
    var store: RawPath { Self.store(in: place) }
    var layout: ArchiveLayout { ArchiveLayout(directory: archive) }

    /// Lets both sides have their turns until nothing is asked for any more.
    mutating func settle() {
        for _ in 0..<6 {
            loop.turn()
            writer.serveFeed()
        }
        writer.handOverLog()
        loop.turn()
    }

    /// A commit of some `byteCount` bytes that do not compress well.
    mutating func commit(_ byteCount: Int = 100) throws {
        var text = ""
        while text.utf8.count < byteCount { text += String(generator.next(), radix: 36) }
        var additions = Additions()
        additions.notes = [Note(moment: Clock.realtime(), uid: nil, text: text)]
        try writer.append(additions)
        _ = try writer.checkpointIfDue()
    }

    /// As the recorder ends: everything is in the archive and in the database file.
    consuming func stop() throws -> TemporaryDirectory {
        try writer.endRun(at: Clock.realtime())
        writer.endFeed(at: Clock.realtime())
        loop.turn()
        writer.close()
        return place
    }

    /// As a kill would end it: what was not handed over is in the log of the store alone.
    consuming func die() -> TemporaryDirectory {
        writer.close()
        return place
    }

    // MARK: Looking at the result

    static func generations(in place: borrowing TemporaryDirectory) throws -> [ArchiveGeneration] {
        let reader = try ArchiveReader(directory: archive(in: place))
        return reader.generations
    }

    /// The pages of a state, one after the other.
    static func restore(_ generation: ArchiveGeneration, to commit: UInt64) throws -> [UInt8] {
        var pages = PagesInMemory()
        let hashes = try generation.files.open(generation.base).hashes { page, bytes in pages.pages[page] = Array(bytes)
        }
        try pages.resize(to: hashes.pageCount)
        var player = try SegmentPlayer(hashes: hashes, commit: generation.base.commit)
        for row in generation.way(to: commit) ?? [] {
            let file = try generation.files.open(row)
            try player.play(file.index, upTo: commit, into: &pages) { try file.block($0) }
        }
        return pages.bytes
    }
}

/// Pages that are played into memory.
private struct PagesInMemory: PageStore {
    var pages: [UInt32: [UInt8]] = [:]
    var count: UInt32 = 0

    func page(_ number: UInt32) throws -> [UInt8]? { pages[number] }

    mutating func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) throws { pages[number] = Array(bytes) }

    mutating func resize(to count: UInt32) throws {
        self.count = count
        pages = pages.filter { $0.key <= count }
    }

    var bytes: [UInt8] { count == 0 ? [] : (1...count).flatMap { pages[$0] ?? [UInt8](repeating: 0, count: 4_096) } }
}
