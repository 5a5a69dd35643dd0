import FoundationEssentials
import Model
import TestSupport
import Testing

@testable import Query

@Suite struct ProgressLineTests {
    @Test func itIsShownFromTheFirstSecondOnAndNotAtEachStep() {
        var now: Int64 = 5_000_000_000
        var written: [String] = []
        var line: ProgressLine? = ProgressLine(
            now: { now }, write: { written.append(String(decoding: $0, as: UTF8.self)) })
        var asked = 0
        func update(_ done: UInt64, of total: UInt64) {
            line?.update {
                asked += 1
                return (done, total)
            }
        }
        now += 999_999_999
        update(10, of: 100)
        #expect(written.isEmpty && asked == 0)
        now += 1
        update(12, of: 100)
        now += 100_000_000
        update(13, of: 100)
        now += 150_000_000
        update(99_999, of: 100_000)
        now += 250_000_000
        update(5, of: 5)
        now += 250_000_000
        update(0, of: 0)
        #expect(
            written.map { $0.filter { !"\r\u{1B}".contains($0) } } == [
                "12.0 % [K", "99.9 % [K", "99.9 % [K", "0.0 % [K",
            ])
        #expect(asked == 4)
        // It takes itself away with whoever showed it.
        line = nil
        #expect(written.last == "\r\u{1B}[K" && written.count == 5)
    }

    private struct Shown: Decodable {
        var text: String
        var result: Int32
    }

    /// What takes long says how far it is, and Ctrl-C leaves nothing of that behind.
    @Test func itIsGoneAfterCtrlC() throws {
        let scene = try StoreScene(from: 0)
        let shell = ActorProcess.named("sh", pid: 10, instance: 1, exe: "/bin/sh", uid: 0)
        for block in 0..<40 {
            try scene.append(
                (0..<1_000).map {
                    RecordedEvent(
                        Double(block * 1_000 + $0 + 1), .create, "/srv/d\($0 % 9)/f\(block)-\($0)", process: shell)
                })
        }
        try scene.stop(at: 50_000)
        let directory = try TemporaryDirectory()
        let questions = [
            ["events", "-o", "jsonl"], ["count", "--pid", "10"], ["top"], ["histogram", "--by", "dir"], ["verify"],
            ["around", "1", "--after", "100000"], ["process", "10"], ["export", "--format", "csv"],
            ["sql", "SELECT path, exe FROM event"], ["sql", "SELECT name FROM event_group WHERE by = 'dir'"],
        ]
        for question in questions {
            let command = [BuiltPrograms.terminal, "\(directory.path)/output", BuiltPrograms.varve]
            let answer = try runSuccessfully(
                "/usr/bin/python3", command + question + ["--store", scene.directory.lossyText], timeoutSeconds: 120)
            let shown = try JSONDecoder().decode(Shown.self, from: Data(answer.output))
            let lines = shown.text.replacing("\r\n", with: "\n")
            #expect(lines.contains("%"), "\(question): \(lines)")
            let rest = lines.split(separator: "%").last ?? ""
            if question[0] == "sql" {
                #expect(shown.result == 3)
                // That it was interrupted is found between blocks, of which some may still be done.
                #expect(lines.contains("\u{1B}[K^C\r"), "\(question): \(lines.debugDescription)")
                #expect(lines.hasSuffix("\r\u{1B}[Kvarve: interrupted\n"), "\(question): \(lines.debugDescription)")
            } else {
                #expect(shown.result == -2)
                #expect(rest == " \u{1B}[K^C\r\u{1B}[K", "\(question): \(lines.debugDescription)")
            }
        }
    }
}
