import Testing

@testable import Recorder

@Suite struct NapPolicyTests {
    @Test func aTrickleIsReadAtOnce() {
        var policy = NapPolicy()
        for _ in 0..<100 { policy.update(recordCount: 1) }
        #expect(policy.napMicroseconds == 0)
    }

    @Test func aStormGrowsTheNapToOneMillisecondAndNoFurther() {
        var policy = NapPolicy()
        var seen: [Int64] = []
        for _ in 0..<10 {
            policy.update(recordCount: 500)
            seen.append(policy.napMicroseconds)
        }
        #expect(seen.prefix(4) == [125, 250, 500, 1_000])
        #expect(seen.allSatisfy { $0 <= NapPolicy.longestNapMicroseconds })
    }

    @Test func calmEndsTheNap() {
        var policy = NapPolicy()
        for _ in 0..<10 { policy.update(recordCount: 500) }
        for _ in 0..<4 { policy.update(recordCount: 0) }
        #expect(policy.napMicroseconds == 0)
    }

    @Test func anEvenRateKeepsTheNap() {
        var policy = NapPolicy()
        policy.update(recordCount: 500)
        let before = policy
        policy.update(recordCount: 4)
        #expect(policy == before)
    }
}
