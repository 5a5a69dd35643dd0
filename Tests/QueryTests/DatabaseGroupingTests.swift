import Model
import Store
import TestSupport
import Testing

@testable import Query

/// `--by database`.
@Suite struct DatabaseGroupingTests {
    /// What events are counted by, one whole event at a time.
    private struct NaiveCount {
        var watched: Set<String>
        var selection: Selection

        static func owner(_ path: String) -> String? {
            for suffix in ["-wal", "-shm", "-journal"] where path.hasSuffix(suffix) {
                let name = String(path.dropLast(suffix.count))
                return name.isEmpty || name.hasSuffix("/") ? nil : name
            }
            return nil
        }

        private func selects(_ event: RecordedEvent, _ selection: Selection) -> Bool {
            let filter = NaiveFilter(selection: selection)
            return filter.selects(event) || selection.includesOverlapping && filter.crosses(event)
        }

        func counts(_ events: [RecordedEvent]) -> [String: Int] {
            let range = Selection.only {
                ($0.since, $0.until, $0.includesOverlapping) = (
                    selection.since, selection.until, selection.includesOverlapping
                )
            }
            var databases = watched
            for event in events where selects(event, range) && !event.mask.contains(.onDirectory) {
                for path in [event.path, event.target] {
                    if let owner = path.flatMap({ Self.owner(String(decoding: $0, as: UTF8.self)) }) {
                        databases.insert(owner)
                    }
                }
            }
            var counts: [String: Int] = [:]
            for event in events where selects(event, selection) {
                let path = event.path.map { String(decoding: $0, as: UTF8.self) } ?? ""
                let owner = Self.owner(path)
                let name = [owner, path].compactMap { $0 }.first { databases.contains($0) }
                counts[name ?? "(unknown)", default: 0] += 1
            }
            return counts
        }
    }

    private static let paths: [String?] = [
        "/srv/a.db", "/srv/a.db-wal", "/srv/a.db-shm", "/srv/b", "/srv/b-journal", "/srv/b-journal-wal", "/etc/passwd",
        "/srv/c", "/srv/-wal", "/srv/d/-journal", "lost", "lost-wal", "/watched/e.db", "/watched/e.db-wal",
        "/srv/f-wal",
        "/srv/g-wal/file", "/", nil,
    ]

    private static func event(_ clock: Double, _ generator: inout SeededGenerator) -> RecordedEvent {
        let window = Double.random(in: 0.001..<4, using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0:
            // Only a directory is called so.
            return RecordedEvent(
                clock, [.create, .onDirectory], ["/srv/c-journal", "/srv/g-wal"].randomElement(using: &generator),
                windowSeconds: window)
        case 1:
            return RecordedEvent(
                clock, .rename, "/srv/tmp", target: ["/srv/h-wal", "/srv/a.db"].randomElement(using: &generator),
                windowSeconds: window)
        case 2: return RecordedEvent(clock, .modify, "/srv/h", windowSeconds: window)
        default:
            return RecordedEvent(
                clock, [.create, .modify, .delete].randomElement(using: &generator) ?? .create,
                paths.randomElement(using: &generator) ?? nil, windowSeconds: window)
        }
    }

    private static func selection(_ generator: inout SeededGenerator) throws -> Selection {
        func isAsked() -> Bool { Int.random(in: 0..<3, using: &generator) == 0 }
        return try .only { selection in
            let first = Double.random(in: 0..<200, using: &generator)
            if isAsked() { selection.since = RecordedEvent.moment(first) }
            if isAsked() {
                selection.until = RecordedEvent.moment(first + Double.random(in: 1..<100, using: &generator))
            }
            selection.includesOverlapping = isAsked()
            if isAsked() { selection.paths = [try .of("*.db"), try .of("/srv/?")] }
            if isAsked() { selection.directories = [try .of("/srv/**")] }
            if isAsked() { selection.operations = .modify }
            selection.limit = 1_000
        }
    }

    /// However the events are cut into blocks.
    @Test func eachDatabaseHasItsEventsAndThoseOfTheFilesBesideIt() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("DatabaseGroupingTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            var clock = 1.0
            let events = (0..<240).map { _ in
                clock += Double.random(in: 0..<2, using: &generator)
                return Self.event(clock, &generator)
            }
            let scenes = [try StoreScene(from: 0), try StoreScene(from: 0), try StoreScene(from: 0)]
            for (scene, size) in zip(scenes, [240, 7, 31]) {
                for start in stride(from: 0, to: events.count, by: size) {
                    try scene.append(Array(events[start..<min(start + size, events.count)]))
                }
                try scene.watch(["/watched/e.db"])
            }
            try scenes[2].compact()
            for _ in 0..<20 {
                let selection = try Self.selection(&generator)
                let expected = NaiveCount(watched: ["/watched/e.db"], selection: selection).counts(events)
                for scene in scenes {
                    let top = try scene.ask(.csv) { try TopAnswer($0, selection, by: .database).run() }
                    var counts: [String: Int] = [:]
                    for line in top.lines.dropFirst() {
                        let fields = line.filter { $0 != "\r" }.split(separator: ",")
                        counts[String(fields[1])] = Int(fields[0])
                    }
                    #expect(counts == expected, "seed \(seed): \(selection)")
                    let histogram = try scene.ask(.csv) {
                        try HistogramAnswer($0, selection, every: 10_000_000_000, by: .database).run()
                    }
                    var sums: [String: Int] = [:]
                    for line in histogram.lines.dropFirst() {
                        let fields = line.split(separator: ",", omittingEmptySubsequences: false)
                        sums[String(fields[2]), default: 0] += Int(fields[3]) ?? 0
                    }
                    #expect(sums == expected, "seed \(seed): \(selection)")
                }
            }
        }
    }

    @Test func jsonNamesTheDatabaseWithItsBytes() throws {
        let scene = try StoreScene()
        var strange = RecordedEvent(3, .modify, "/srv/x")
        strange.path = Array("/srv/".utf8) + [0xFF] + Array("-wal".utf8)
        try scene.append([
            RecordedEvent(1, .create, "/srv/a-journal"), RecordedEvent(2, .modify, "/srv/a"), strange,
            RecordedEvent(4, .modify, "/srv/other"),
        ])
        let answer = try scene.ask { try TopAnswer($0, Selection(), by: .database).run() }
        #expect(
            answer.lines == [
                #"{"database":"/srv/a","count":2}"#, #"{"count":1}"#,
                #"{"database":"/srv/\#u{FFFD}","database_raw":"L3Nydi//","count":1}"#,
            ])
    }

    /// What is stored after it was looked for databases is of the next answer, so that no event is told apart by half.
    @Test func whatComesAfterTheLookIsNotCounted() throws {
        let scene = try StoreScene()
        try scene.append([RecordedEvent(1, .create, "/srv/a-wal"), RecordedEvent(2, .modify, "/srv/b")])
        let reader = try StoreReader(directory: scene.directory)
        for isReversed in [false, true] {
            let scan = Scan(reader, .only { $0.isReversed = isReversed })
            var tally = try GroupTally(.database, in: reader, for: scan)
            try scene.append([RecordedEvent(3, .create, "/srv/b-wal"), RecordedEvent(4, .modify, "/srv/b")])
            try tally.add(scan)
            let count = isReversed ? 4 : 2
            #expect(tally.counts.reduce(0, +) == UInt64(count))
        }
    }

    @Test func aBlockWithoutNamesIsSaidOnce() throws {
        let scene = try DamageTests.damagedScene()
        let answer = try scene.ask { try TopAnswer($0, Selection(), by: .database).run() }
        #expect(answer.status == .unreadable)
        #expect(answer.messages.count { $0.hasPrefix("damaged block") } == 1, "\(answer.messages)")
    }

    @Test func saysWhereDatabasesAreTooManyToBeHeld() throws {
        let scene = try StoreScene()
        try scene.append(
            (1...20).flatMap { number in
                [
                    RecordedEvent(Double(number), .modify, "/srv/\(number)-wal"),
                    RecordedEvent(Double(number), .modify, "/srv/\(number)"),
                ]
            })
        try scene.stop(at: 100)
        func ask(_ byteCount: Int?) throws -> StoreScene.Answer {
            try scene.ask {
                try TopAnswer($0, .only { $0.limit = 100 }, by: .database, maximumByteCount: byteCount).run()
            }
        }
        let whole = try ask(nil)
        #expect(whole.lines.count == 20 && whole.status == .found)
        let cut = try ask(1_000)
        #expect(cut.lines.count < 20 && cut.status == .incomplete)
        #expect(cut.messages.contains { $0.contains("the databases take more than 1000 bytes") }, "\(cut.messages)")
        let histogram = try scene.ask {
            try HistogramAnswer(
                $0, Selection(), every: 60_000_000_000, by: .database, maximumByteCount: 1_000
            ).run()
        }
        #expect(histogram.status == .incomplete)
    }
}
