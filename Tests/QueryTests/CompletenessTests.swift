import Block
import Model
import Store
import Testing

@testable import Query

@Suite struct CompletenessTests {
    struct Case: Sendable {
        var name: String
        var spans: [(path: String, from: Double, to: Double)] = [("/", 10, 100)]
        var gaps: [(kind: Gap.Kind, from: Double, to: Double, scope: String?)] = []
        var since: Double?
        var until: Double?
        var scopes: [String]?
        var reasons: Int
    }

    static let cases: [Case] = [
        Case(name: "an empty store has nothing to miss", spans: [], reasons: 0),
        Case(name: "an empty store covers no asked time", spans: [], since: 0, reasons: 1),
        Case(name: "everything that was covered", reasons: 0),
        Case(name: "inside of what was covered", since: 20, until: 50, reasons: 0),
        Case(name: "exactly what was covered", since: 10, until: 100, reasons: 0),
        Case(name: "before the first run", since: 5, until: 50, reasons: 1),
        Case(name: "only --since, before the first run", since: 5, reasons: 1),
        Case(name: "only --until, before the first run", until: 5, reasons: 1),
        Case(name: "only --until, where the first run begins", until: 10, reasons: 1),
        Case(name: "only --until, behind the beginning", until: 11, reasons: 0),
        Case(
            name: "only --until, before the first run at the place", spans: [("/a", 10, 100), ("/b", 40, 100)],
            until: 30, scopes: ["/b/x"], reasons: 1),
        Case(name: "after the last moment", since: 50, until: 101, reasons: 1),
        Case(name: "wholly before", since: 1, until: 5, reasons: 1),
        Case(name: "wholly after, open end", since: 200, reasons: 1),
        Case(name: "wholly after", since: 200, until: 300, reasons: 1),
        Case(name: "a gap in the range", gaps: [(.queueOverflow, 30, 40, nil)], reasons: 1),
        Case(
            name: "a gap that ends where the range starts", gaps: [(.queueOverflow, 30, 40, nil)], since: 40, reasons: 0
        ),
        Case(
            name: "a gap that starts where the range ends", gaps: [(.queueOverflow, 30, 40, nil)], until: 30, reasons: 0
        ),
        Case(name: "a gap that reaches in", gaps: [(.queueOverflow, 30, 40, nil)], since: 39, until: 50, reasons: 1),
        Case(name: "a gap of one moment", gaps: [(.unresolved, 30, 30, nil)], since: 30, until: 31, reasons: 1),
        Case(
            name: "a gap of one moment elsewhere", gaps: [(.unresolved, 30, 30, nil)], since: 31, until: 32, reasons: 0),
        Case(name: "a gap of the asked place", gaps: [(.notCovered, 10, 100, "/mnt")], scopes: ["/mnt/a"], reasons: 1),
        Case(
            name: "a gap below the asked place", gaps: [(.notCovered, 10, 100, "/mnt/a")], scopes: ["/mnt"], reasons: 1),
        Case(name: "a gap of another place", gaps: [(.notCovered, 10, 100, "/mnt")], scopes: ["/mntx"], reasons: 0),
        Case(
            name: "a gap of some place asked by nobody in particular", gaps: [(.notCovered, 10, 100, "/mnt")],
            reasons: 1),
        Case(name: "commits of databases are no events", gaps: [(.walMissed, 30, 40, nil)], reasons: 0),
        Case(
            name: "a stop between two runs, explained by its gap", spans: [("/", 10, 50), ("/", 60, 100)],
            gaps: [(.recorderDown, 50, 60, nil)], reasons: 1),
        Case(name: "a stop between two runs without a gap", spans: [("/", 10, 50), ("/", 60, 100)], reasons: 1),
        Case(name: "a stop outside of the range", spans: [("/", 10, 50), ("/", 60, 100)], since: 60, reasons: 0),
        Case(name: "two trees that overlap in time", spans: [("/a", 10, 60), ("/b", 40, 100)], reasons: 0),
        Case(
            name: "one tree covered later", spans: [("/a", 10, 100), ("/b", 40, 100)], since: 20, scopes: ["/b/x"],
            reasons: 1),
        Case(name: "a tree that was never covered", spans: [("/a", 10, 100)], scopes: ["/c"], reasons: 1),
        Case(name: "a place above the covered ones", spans: [("/a/b", 10, 100)], scopes: ["/a"], reasons: 0),
        Case(
            name: "the end of time", gaps: [(.notCovered, 10, 1_000_000, "/mnt")], since: 20, until: 30,
            scopes: ["/mnt"],
            reasons: 1),
    ]

    @Test(arguments: cases) func reasonsByTable(_ row: Case) {
        let completeness = Completeness(
            spans: row.spans.map {
                CoveredSpan(
                    path: RawPath($0.path), from: RecordedEvent.moment($0.from), to: RecordedEvent.moment($0.to))
            },
            gaps: row.gaps.map {
                Gap(
                    kind: $0.kind, from: RecordedEvent.moment($0.from), to: RecordedEvent.moment($0.to), count: nil,
                    scope: $0.scope.map { RawPath($0) }, cause: "")
            })
        let reasons = completeness.reasons(
            since: row.since.map(RecordedEvent.moment), until: row.until.map(RecordedEvent.moment),
            scopes: row.scopes?.map { RawPath($0) })
        #expect(reasons.count == row.reasons, "\(row.name): \(reasons.map(\.text))")
        for reason in reasons { #expect(!reason.text.isEmpty) }
    }

    /// The loss begins after the last event that is stored: no question about all of it may end before the loss.
    @Test func aLossThatNoRowTellsOfReachesTheAnswers() {
        var run = RunRecord(
            bootID: UUIDBytes(high: 1, low: 2), started: RecordedEvent.moment(0), startedMonotonicNanoseconds: 0,
            pid: 1, version: "test", options: "")
        run.run = 1
        var coverage = Coverage(
            path: RawPath("/srv"), filesystem: FilesystemID(rawValue: 1), filesystemType: "ext4",
            mountPoint: RawPath("/srv"), from: RecordedEvent.moment(0))
        coverage.run = 1
        func history(_ loss: Gap?) -> CoverageHistory {
            CoverageHistory(
                runs: [run], coverage: [coverage], gaps: [],
                heartbeat: Heartbeat(
                    run: 1, bootID: run.bootID, pid: 1, writtenAt: RecordedEvent.moment(50),
                    monotonicNanoseconds: 0, nextSequence: 1, quietAt: nil, pendingLoss: loss),
                lastEvent: RecordedEvent.moment(20))
        }
        let loss = Gap(
            kind: .batchDropped, from: RecordedEvent.moment(30), to: RecordedEvent.moment(40), count: 9, scope: nil,
            cause: "the disk was full")
        let reasons = history(loss).completeness.reasons(since: nil, until: nil, scopes: nil)
        #expect(reasons == [.gap(loss)])
        #expect(history(nil).completeness.reasons(since: nil, until: nil, scopes: nil).isEmpty)
    }

    /// The sign of life tells of events that the database does not hold.
    @Test func commitsThatWereLostWithTheLogAreAGap() throws {
        let run = RunRecord(
            bootID: UUIDBytes(high: 1, low: 2), started: RecordedEvent.moment(0), startedMonotonicNanoseconds: 0,
            pid: 1, version: "test", options: "")
        func history(heartbeatRun: UInt32, nextSequence: UInt64, lastSequence: UInt64) -> CoverageHistory {
            var numbered = run
            numbered.run = 1
            var history = CoverageHistory(
                runs: [numbered], coverage: [], gaps: [],
                heartbeat: Heartbeat(
                    run: heartbeatRun, bootID: run.bootID, pid: 1, writtenAt: RecordedEvent.moment(50),
                    monotonicNanoseconds: 0, nextSequence: nextSequence, quietAt: nil),
                lastEvent: RecordedEvent.moment(20))
            history.lastSequence = lastSequence
            return history
        }
        let lost = history(heartbeatRun: 1, nextSequence: 31, lastSequence: 12)
        let gap = try #require(lost.boundedGaps.first)
        #expect(gap.count == 18 && gap.from == RecordedEvent.moment(20) && gap.to == RecordedEvent.moment(50))
        #expect(lost.completeness.reasons(since: nil, until: nil, scopes: nil).count == 1)
        #expect(history(heartbeatRun: 1, nextSequence: 31, lastSequence: 30).boundedGaps.isEmpty)
        #expect(history(heartbeatRun: 1, nextSequence: 31, lastSequence: 40).boundedGaps.isEmpty)
        #expect(history(heartbeatRun: 2, nextSequence: 31, lastSequence: 12).boundedGaps.count == 1)
    }
}
