import Model
import Store
import TestSupport
import Testing

@testable import Query

/// What a terminal shows: colours, bars and sparklines that fit it.
@Suite struct TerminalTests {
    @Test(arguments: [
        // COLUMNS, what the terminal says, what it has
        ("", 132, 132), ("60", 132, 60), ("60", nil, 60), ("0", 132, 132), ("-3", 132, 132), ("wide", 132, 132),
        ("99999999", nil, 80), ("", 0, 80), ("", nil, 80),
    ])
    func columnsByTable(wished: String, measured: Int?, expected: Int) {
        #expect(Terminal(measured: measured) { $0 == "COLUMNS" ? wished : nil }.columnCount == expected)
    }

    @Test(
        arguments: [
            // TERM, NO_COLOR
            ("xterm-256color", nil, true), ("xterm", "", true), ("xterm", "1", false), ("xterm", "0", false),
            ("dumb", nil, false), ("", nil, false), (nil, nil, false),
        ] as [(String?, String?, Bool)])
    func colorsByTable(term: String?, noColor: String?, expected: Bool) {
        let terminal = Terminal(measured: nil) { ["TERM": term, "NO_COLOR": noColor][$0] ?? nil }
        #expect(terminal.hasColors == expected)
    }

    @Test(arguments: [
        // LC_ALL, LC_CTYPE, LANG
        ("", "", "C.UTF-8", true), ("", "", "de_DE.utf8@euro", true), ("C", "", "en_US.UTF-8", false),
        ("", "POSIX", "en_US.UTF-8", false), ("en_US.UTF-8", "C", "C", true), ("", "", "", false),
        ("", "", "en_US", false), ("", "", "en_US.ISO-8859-1", false), ("", "", "@UTF-8", false),
    ])
    func localesByTable(all: String, type: String, lang: String, expected: Bool) {
        let environment = ["LC_ALL": all, "LC_CTYPE": type, "LANG": lang]
        #expect(Terminal(measured: nil) { environment[$0] }.isUTF8 == expected)
    }

    @Test func sparklinesShowAnythingAboveZero() {
        func line(_ counts: [UInt64], of maximum: UInt64, isUTF8: Bool = true) -> String {
            var bytes: [UInt8] = []
            Sparkline.append(counts, of: maximum, isUTF8: isUTF8, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(line([0, 1, 2, 3, 4, 5, 6, 7, 8], of: 8) == " ▁▂▃▄▅▆▇█")
        #expect(line([1, 1_000, .max], of: .max) == "▁▁█")
        #expect(line([0, 1, 2, 3, 4, 5, 6, 7, 8], of: 8, isUTF8: false) == " .:-=+*#@")
        #expect(line([0, 0], of: 0) == "  ")
    }

    @Test func barsOfASCIIShowAnythingAboveZero() {
        func bar(_ value: UInt64) -> String {
            var bytes: [UInt8] = []
            Bar.append(value, of: 10, columnCount: 4, isUTF8: false, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect([0, 1, 5, 10].map(bar) == ["", "#", "##", "####"])
    }

    @Test(
        arguments: [
            (1, "1ns"), (250_000_000, "250ms"), (1_000_000_000, "1s"), (5_400_000_000_000, "1h30m"),
            (90_061_000_002_003, "1d1h1m1s2us3ns"),
        ] as [(Int64, String)])
    func spansAreWrittenAsTheyAreTyped(nanoseconds: Int64, expected: String) throws {
        #expect(TimeSpan.text(nanoseconds) == expected)
        #expect(try TimeSpan.parse(expected) == nanoseconds)
    }

    /// Two operations in three stretches of time, with a gap in the second.
    private static func scene() throws -> StoreScene {
        let scene = try StoreScene()
        let red = "/srv/\u{1B}[31mred"
        try scene.append([
            RecordedEvent(1, .create, "/srv/a"), RecordedEvent(2, .create, "/srv/a"), RecordedEvent(3, .modify, red),
            RecordedEvent(21, .modify, "/srv/b"), RecordedEvent(22, .create, "/srv/a"),
        ])
        try scene.append(
            gap: Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(11), to: RecordedEvent.moment(12), count: nil,
                scope: nil, cause: "full"))
        try scene.stop(at: 30)
        return scene
    }

    private static let answers: [(String, @Sendable (QueryContext) throws -> AnswerStatus)] = [
        ("top", { try TopAnswer($0, Selection(), by: .path).run() }),
        ("histogram", { try HistogramAnswer($0, Selection(), every: 10_000_000_000, by: nil).run() }),
        ("histogram by", { try HistogramAnswer($0, Selection(), every: 10_000_000_000, by: .op).run() }),
        ("gaps", { try GapsAnswer($0, Selection()).run() }),
        ("events", { try EventsAnswer($0, Selection()).run() }),
        (
            "around",
            { try AroundAnswer($0, Selection(), point: .event(4), extent: .init(before: 9, after: 9)).run() }
        ),
        ("tree", { try TreeAnswer($0, under: [RawPath("/srv")], at: RecordedEvent.moment(25)).run() }),
    ]

    static func withoutColors(_ text: String) -> String {
        text.replacing(#/\u{1B}\[[0-9]+m/#, with: "")
    }

    @Test func colorsAreTheOnlyDifference() throws {
        let scene = try Self.scene()
        for (name, answer) in Self.answers {
            let plain = try scene.ask(.table, on: Terminal(), answer).text
            let colored = try scene.ask(.table, on: Terminal(hasColors: true), answer).text
            #expect(Self.withoutColors(colored) == plain, "\(name)")
            #expect(!plain.contains("\u{1B}"), "\(name)")
            if name != "tree" { #expect(colored.contains("\u{1B}[1m"), "\(name) has headings") }
            // Each line ends as it began.
            for line in colored.split(separator: "\n") where line.contains("\u{1B}") {
                let parts = line.split(separator: "\u{1B}[", omittingEmptySubsequences: false).dropFirst()
                #expect(parts.last?.hasPrefix("0m") ?? false, "\(name): \(line)")
            }
            for form in [OutputFormat.jsonl, .csv] {
                #expect(!(try scene.ask(form, on: Terminal(hasColors: true), answer).text.contains("\u{1B}")))
            }
            #expect(!(try scene.ask(.table, answer).text.contains("\u{1B}")), "\(name) elsewhere")
        }
    }

    @Test func gapsAreWarnings() throws {
        let scene = try Self.scene()
        for name in ["histogram", "histogram by", "gaps", "around"] {
            let answer = try #require(Self.answers.first { $0.0 == name }?.1)
            let text = try scene.ask(.table, on: Terminal(hasColors: true), answer).text
            #expect(text.contains("\u{1B}[33m"), "\(name): \(text)")
        }
    }

    @Test func whatIsDrawnIsASCIIWhereNothingElseIsKnown() throws {
        let scene = try Self.scene()
        for (name, answer) in Self.answers {
            let text = try scene.ask(.table, on: Terminal(isUTF8: false), answer).text
            #expect(text.utf8.allSatisfy { $0 < 0x80 } && !text.isEmpty, "\(name): \(text)")
        }
    }

    /// Scripts read these: they are the same whatever a terminal would show.
    @Test func tablesElsewhereStayAsTheyAre() throws {
        let scene = try Self.scene()
        func text(_ name: String) throws -> String {
            try scene.ask(.table, try #require(Self.answers.first { $0.0 == name }?.1)).text
        }
        let full = String(repeating: "█", count: 20)
        #expect(
            try text("top") == """
                COUNT                        PATH
                    3  \(full)  /srv/a
                    1  ██████▋               /srv/\\x1b[31mred
                    1  ██████▋               /srv/b

                """)
        #expect(
            try text("histogram by") == """
                FROM (UTC)           OP      COUNT\u{20}\u{20}
                2026-11-23 00:00:00  create      2  \(full)\(full)
                2026-11-23 00:00:00  modify      1  \(full)
                2026-11-23 00:00:20  create      1  \(full)
                2026-11-23 00:00:20  modify      1  \(full)

                """)
        #expect(
            try text("histogram") == """
                FROM (UTC)           COUNT\u{20}\u{20}
                2026-11-23 00:00:00      3  \(full)\(full)
                2026-11-23 00:00:10      0    gap
                2026-11-23 00:00:20      2  \(full)██████▋

                """)
    }

    @Test func aLineForEachGroupShowsItsCourse() throws {
        let scene = try Self.scene()
        let answer = try #require(Self.answers.first { $0.0 == "histogram by" }?.1)
        #expect(
            try scene.ask(.table, on: Terminal(), answer).text == """
                2026-11-23 00:00:00 to 2026-11-23 00:00:30 (UTC), 10s a column
                COUNT  MOST       OP
                    3     2  █ ▄  create
                    2     1  █ █  modify
                              !   gap

                """)
    }

    /// Bars take what the other columns leave of a line.
    @Test func barsFitTheTerminal() throws {
        let scene = try Self.scene()
        for columnCount in 42...90 {
            for (name, answer) in Self.answers.prefix(3) {
                let text = try scene.ask(.table, on: Terminal(columnCount: columnCount), answer).text
                let widths = text.split(separator: "\n").map { TerminalText.columnCount($0.utf8) }
                // The line above the groups has the range, which is not cut.
                let limit = name == "histogram by" ? max(columnCount, 62) : columnCount
                #expect(widths.allSatisfy { $0 <= limit }, "\(name), \(columnCount) columns:\n\(text)")
                if name != "histogram by" { #expect(text.contains("██"), "\(name):\n\(text)") }
            }
        }
        let narrow = try scene.ask(.table, on: Terminal(columnCount: 5), Self.answers[0].1).text
        #expect(narrow.contains("/srv/\\x1b[31mred") && narrow.contains("████"), "nothing is cut off")
    }

    /// Stretches are joined until they fit, and nothing is lost of them.
    @Test func profilesCountEveryStretch() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("TerminalTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let scene = try StoreScene()
        let names = ["/a", "/b", "/c"]
        var clock = 0.0
        for _ in 0..<4 {
            try scene.append(
                (0..<50).map { _ in
                    clock += Double.random(in: 0..<3, using: &generator)
                    return RecordedEvent(clock, .modify, names.randomElement(using: &generator))
                })
        }
        let gap = Gap(
            kind: .queueOverflow, from: RecordedEvent.moment(clock / 2), to: RecordedEvent.moment(clock / 2 + 7),
            count: nil, scope: nil, cause: "")
        let reader = try StoreReader(directory: scene.directory)
        let tally = try HistogramTally(by: .path, .init(every: 1_000_000_000), in: reader, groupLimit: 2) {
            Scan(reader, Selection())
        }
        for columnCount in [1, 2, 7, 40, 10_000] {
            let profile = try #require(HistogramProfile(tally, columnCount: columnCount, gaps: [gap]))
            #expect(profile.hasGap.count <= columnCount && profile.lines.count == 2)
            let length = Int64(profile.stretchCount) * 1_000_000_000
            for line in profile.lines {
                let name = tally.keys?.name(line.group)
                var expected = Array(repeating: UInt64(0), count: profile.hasGap.count)
                for event in scene.events where event.path == name {
                    let offset = event.time.nanosecondsSinceEpoch - profile.from.nanosecondsSinceEpoch
                    expected[Int(offset / length)] += 1
                }
                #expect(line.counts == expected, "seed \(seed), \(columnCount) columns")
                #expect(line.total == expected.reduce(0, +))
            }
            for (column, hasGap) in profile.hasGap.enumerated() {
                let from = profile.from.advanced(byNanoseconds: Int64(column) * length)
                let to = min(from.advanced(byNanoseconds: length), profile.to)
                #expect(hasGap == (gap.from < to && gap.to > from), "seed \(seed), column \(column)")
            }
        }
    }
}
