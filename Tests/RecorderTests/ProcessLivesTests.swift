import Syscalls
import TestSupport
import Testing

@testable import Recorder

@Suite struct ProcessLivesTests {
    @Test func anEventBelongsToTheLifeOfItsTime() {
        var lives = ProcessLives(knownSince: 0)
        lives.apply(.init(pid: 10, kind: .fork(parentPID: 1), moment: 100))
        lives.apply(.init(pid: 10, kind: .exit(status: 0), moment: 200))
        lives.apply(.init(pid: 10, kind: .fork(parentPID: 2), moment: 300))
        #expect(Self.began(lives.find(10, from: 150, to: 160)) == 100)
        #expect(Self.began(lives.find(10, from: 350, to: 360)) == 300)
        // The first had ended before the window, the second began in it.
        #expect(Self.began(lives.find(10, from: 250, to: 310)) == 300)
        // Both lived in the window.
        #expect(Self.began(lives.find(10, from: 150, to: 310)) == nil)
    }

    @Test func threadsThatOutliveTheFirstAreStillTheSameProcess() {
        var lives = ProcessLives(knownSince: 0)
        lives.apply(.init(pid: 10, kind: .fork(parentPID: 1), moment: 100))
        lives.apply(.init(pid: 10, kind: .exit(status: 0), moment: 200))
        #expect(Self.began(lives.find(10, from: 250, to: 260)) == 100)
    }

    @Test func whoWasNeverHeardOfWasThereBefore() {
        var lives = ProcessLives(knownSince: 50)
        #expect(Self.began(lives.find(10, from: 60, to: 70)) == .min)
        guard case .unknown = lives.find(11, from: 40, to: 70) else {
            Issue.record("nothing is known of the time before")
            return
        }
        // Its end is heard, so a later life is another one.
        lives.apply(.init(pid: 12, kind: .exit(status: 0), moment: 80))
        lives.apply(.init(pid: 12, kind: .fork(parentPID: 1), moment: 90))
        #expect(Self.began(lives.find(12, from: 60, to: 85)) == .min)
        #expect(Self.began(lives.find(12, from: 85, to: 95)) == 90)
    }

    @Test func theForgottenAreNotTakenForSomebodyElse() {
        var lives = ProcessLives(knownSince: 0)
        for number in 0..<(ProcessLives.maximumEndedCount + 10) {
            let moment = Int64(number) * 10
            lives.apply(.init(pid: Int32(number + 2), kind: .fork(parentPID: 1), moment: moment))
            lives.apply(.init(pid: Int32(number + 2), kind: .exit(status: 0), moment: moment + 5))
        }
        #expect(lives.count <= ProcessLives.maximumEndedCount + 1)
        guard case .unknown = lives.find(2, from: 1, to: 4) else {
            Issue.record("the first one is forgotten")
            return
        }
    }

    /// Against a plain list of everything that happened.
    @Test func lookUpsAgreeWithTheWholeHistory() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var lives = ProcessLives(knownSince: 0)
        var history: [(pid: Int32, began: Int64, ended: Int64)] = []
        var living: [Int32: Int64] = [:]
        var now: Int64 = 1
        for _ in 0..<3_000 {
            now += Int64.random(in: 1...5, using: &random)
            let pid = Int32.random(in: 2...6, using: &random)
            if let began = living.removeValue(forKey: pid) {
                history.append((pid, began, now))
                lives.apply(.init(pid: pid, kind: .exit(status: 0), moment: now))
            } else {
                living[pid] = now
                lives.apply(.init(pid: pid, kind: .fork(parentPID: 1), moment: now))
            }
        }
        history += living.map { ($0.key, $0.value, .max) }
        var found = 0
        for _ in 0..<3_000 {
            let pid = Int32.random(in: 2...6, using: &random)
            let from = Int64.random(in: 0...now, using: &random)
            let to = from + Int64.random(in: 0...20, using: &random)
            let possible = history.filter { $0.pid == pid && $0.began <= to && $0.ended >= from }
            switch lives.find(pid, from: from, to: to) {
            case .life(let life, _) where possible.count == 1:
                found += 1
                #expect(life.began == possible[0].began, "seed \(seed)")
            case .several: #expect(possible.count > 1, "seed \(seed)")
            // No event can have happened then.
            default: #expect(possible.isEmpty, "seed \(seed)")
            }
        }
        #expect(found > 0)
    }

    private static func began(_ finding: ProcessLives.Finding) -> Int64? {
        if case .life(let life, _) = finding { life.began } else { nil }
    }
}
