import Block
import Model
import TestSupport
import Testing

@testable import Query

@Suite struct ReplayAnswerTests {
    /// A clock that runs only while somebody waits, and keys that come at given times of it.
    private struct ScriptedWaiting: ReplayWaiting {
        final class Script {
            var time: Int64 = 0
            var keys: [(at: Int64, key: ReplayPace.Key)] = []
            /// When each piece of output was written.
            var waits: [Int64] = []
        }

        let script: Script
        var hasKeys: Bool

        func now() -> Int64 { script.time }

        func wait(nanoseconds: Int64?, _ output: AnswerOutput) throws -> ReplayPace.Key? {
            let end = nanoseconds.map { script.time + $0 } ?? .max
            if let next = script.keys.first, next.at <= end {
                script.keys.removeFirst()
                script.time = max(script.time, next.at)
                return next.key
            }
            // Nobody presses anything more: the test would wait for ever.
            guard nanoseconds != nil else { return .quit }
            script.time = end
            if nanoseconds != 0 { script.waits.append(nanoseconds ?? 0) }
            return nil
        }
    }

    private static func scene() throws -> StoreScene {
        let scene = try StoreScene()
        try scene.append([
            RecordedEvent(10, .create, "/a"), RecordedEvent(10, .modify, "/a"), RecordedEvent(12, .create, "/b"),
        ])
        try scene.append([RecordedEvent(112, .create, "/c")])
        try scene.stop(at: 200)
        return scene
    }

    private static func play(
        _ scene: StoreScene, _ pace: ReplayPace, keys: [(at: Int64, key: ReplayPace.Key)] = [], hasKeys: Bool = false,
        _ selection: Selection = Selection()
    ) throws -> (answer: StoreScene.Answer, script: ScriptedWaiting.Script) {
        let script = ScriptedWaiting.Script()
        script.keys = keys
        let answer = try scene.ask {
            var replay = try ReplayAnswer(
                $0, selection, pace: pace, waiting: ScriptedWaiting(script: script, hasKeys: hasKeys))
            return try replay.run()
        }
        return (answer, script)
    }

    private static let second: Int64 = 1_000_000_000

    @Test func pausesAreThoseOfTheRecord() throws {
        let scene = try Self.scene()
        let plain = try Self.play(scene, ReplayPace())
        #expect(plain.answer.sequences == [1, 2, 3, 4])
        #expect(plain.answer.status == .found)
        #expect(plain.script.waits == [2 * Self.second, 100 * Self.second])
        #expect(try Self.play(scene, ReplayPace(speed: 10)).script.waits == [Self.second / 5, 10 * Self.second])
        #expect(
            try Self.play(scene, ReplayPace(speed: 4, maximumPause: Self.second)).script.waits == [
                Self.second / 2, Self.second,
            ])
        let backwards = try Self.play(scene, ReplayPace(), .only { $0.isReversed = true })
        #expect(backwards.answer.sequences == [4, 3, 2, 1])
        #expect(backwards.script.waits == [100 * Self.second, 2 * Self.second])
        let limited = try Self.play(scene, ReplayPace(), .only { $0.limit = 3 })
        #expect(limited.answer.sequences == [1, 2, 3] && limited.script.waits == [2 * Self.second])
    }

    @Test func keysPauseStepChangeTheSpeedAndEnd() throws {
        let scene = try Self.scene()
        // Begins paused; three steps, then it goes on at the pace of the record.
        let stepped = try Self.play(
            scene, ReplayPace(steps: true),
            keys: [(1, .step), (2, .step), (3, .step), (Self.second, .pause)], hasKeys: true)
        #expect(stepped.answer.sequences == [1, 2, 3, 4])
        #expect(stepped.script.time == 101 * Self.second)
        // A pause of an hour is none of the record's.
        let paused = try Self.play(
            scene, ReplayPace(), keys: [(Self.second, .pause), (3_600 * Self.second, .pause)], hasKeys: true)
        #expect(paused.script.time == 3_701 * Self.second)
        // One second of two at the plain speed, the other at twice it.
        let faster = try Self.play(scene, ReplayPace(), keys: [(Self.second, .faster)], hasKeys: true)
        #expect(faster.script.time == Self.second + Self.second / 2 + 50 * Self.second)
        let ended = try Self.play(scene, ReplayPace(), keys: [(50 * Self.second, .quit)], hasKeys: true)
        #expect(ended.answer.sequences == [1, 2, 3] && ended.answer.status == .found)
        let stuck = try Self.play(scene, ReplayPace(steps: true), keys: [(1, .step)], hasKeys: true)
        #expect(stuck.answer.sequences == [1])
    }

    @Test func whatCannotBePlayedIsRefused() throws {
        let scene = try Self.scene()
        #expect(throws: UsageError.self) { try Self.play(scene, ReplayPace(steps: true)) }
        for speed in [0, -1, .nan, .infinity] {
            #expect(throws: UsageError.self) { try ReplayPace(speed: speed) }
        }
        #expect(ReplayPace.Key(0x1B) == nil)
    }

    @Test func aClockThatWasSetIsNoPause() throws {
        let pace = try ReplayPace(speed: 0.001)
        let (early, late) = (RecordedEvent.moment(0), RecordedEvent.moment(100))
        #expect(pace.recordedPause(from: late, to: early, isReversed: false) == 0)
        #expect(pace.recordedPause(from: early, to: late, isReversed: true) == 0)
        #expect(pace.realPause(pace.recordedPause(from: .distantPast, to: .distantFuture, isReversed: false)) >= 0)
        #expect(pace.realPause(.max) == 1 << 62)
    }
}
