import Block
import Model
import Store
import Testing

@Suite struct StartupGapTests {
    static let otherBoot = UUIDBytes(high: 1, low: 2)

    struct Case: Sendable, CustomTestStringConvertible {
        var why: String
        /// Seconds after the start of the previous run.
        var cleanEnd: Int64?
        var lastCommit: Int64?
        var quietAt: Int64?
        var heartbeatRun: UInt32 = 5
        var heartbeatBoot = StoreScene.bootID
        var heartbeatNext: UInt64 = 100
        var sameBoot = true
        var now: Int64 = 1_000
        var kind: Gap.Kind
        var from: Int64
        var to: Int64

        var testDescription: String { why }
    }

    static let cases: [Case] = [
        Case(
            why: "a clean stop is followed by a time without a recorder", cleanEnd: 60, lastCommit: 50,
            kind: .recorderDown, from: 60, to: 1_000),
        Case(
            why: "a clean stop before a reboot is no loss of power", cleanEnd: 60, lastCommit: 50, sameBoot: false,
            kind: .recorderDown, from: 60, to: 1_000),
        Case(
            why: "killed: the last commit is the last thing known", lastCommit: 50, kind: .recorderDown, from: 50,
            to: 1_000),
        Case(
            why: "killed while quiet: the queue was seen empty later", lastCommit: 50, quietAt: 300,
            kind: .recorderDown, from: 300, to: 1_000),
        Case(
            why: "killed while busy: the queue was empty before the last commit", lastCommit: 50, quietAt: 20,
            kind: .recorderDown, from: 50, to: 1_000),
        Case(why: "killed before the first event", kind: .recorderDown, from: 0, to: 1_000),
        Case(why: "the last commit is of an earlier run", lastCommit: -70, kind: .recorderDown, from: 0, to: 1_000),
        Case(
            why: "the heartbeat is of another run", lastCommit: 50, quietAt: 300, heartbeatRun: 4, kind: .recorderDown,
            from: 50, to: 1_000),
        Case(
            why: "the heartbeat is of another boot", lastCommit: 50, quietAt: 300, heartbeatBoot: otherBoot,
            kind: .recorderDown, from: 50, to: 1_000),
        Case(
            why: "the machine went down; all that the heartbeat counts on is there", lastCommit: 50, quietAt: 300,
            sameBoot: false, kind: .powerLoss, from: 300, to: 1_000),
        Case(
            why: "the machine went down and took commits with it that the heartbeat knew", lastCommit: 50, quietAt: 300,
            heartbeatNext: 101, sameBoot: false, kind: .powerLoss, from: 50, to: 1_000),
        Case(
            why: "the machine went down, no heartbeat reached the disk", lastCommit: 50, sameBoot: false,
            kind: .powerLoss, from: 50, to: 1_000),
        Case(
            why: "the wall clock was set back meanwhile", lastCommit: 50, now: -500, kind: .recorderDown, from: 50,
            to: 50),
    ]

    @Test(arguments: cases)
    func theGapStartsWhereNothingCanBeMissingBefore(_ value: Case) throws {
        func moment(_ seconds: Int64) -> Instant { StoreScene.start.advanced(byNanoseconds: seconds * 1_000_000_000) }
        var run = StoreScene.run()
        run.run = 5
        run.end = value.cleanEnd.map(moment)
        let heartbeat = value.quietAt.map {
            Heartbeat(
                run: value.heartbeatRun, bootID: value.heartbeatBoot, pid: 1, writtenAt: moment($0 + 1),
                monotonicNanoseconds: 0, nextSequence: value.heartbeatNext, quietAt: moment($0))
        }
        let rules = StartupGap(
            previousRun: run, lastCommit: value.lastCommit.map(moment), nextSequence: 100, heartbeat: heartbeat)
        let gap = try #require(
            rules.gap(bootID: value.sameBoot ? StoreScene.bootID : Self.otherBoot, now: moment(value.now)))
        #expect(gap.kind == value.kind)
        #expect(gap.from == moment(value.from))
        #expect(gap.to == moment(value.to))
        #expect(gap.count == nil && gap.scope == nil)
    }

    @Test func aFirstRunHasNoGap() {
        let rules = StartupGap(previousRun: nil, lastCommit: nil, nextSequence: 1, heartbeat: nil)
        #expect(rules.gap(bootID: StoreScene.bootID, now: StoreScene.start) == nil)
    }
}
