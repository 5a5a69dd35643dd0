import Testing

@testable import Recorder

@Suite struct NapPolicyTests {
    /// Feeds a policy an even rate for a tenth of a second, in cycles as long as the policy makes them.
    private func policy(afterRate rate: Double, lateNanoseconds: Int64 = 0) -> NapPolicy {
        var policy = NapPolicy()
        var now = 0.0
        var seen = 0
        while now < 1e8 {
            // Without a nap the next record ends the wait.
            let nap = Double(policy.napMicroseconds) * 1e3
            let next = nap > 0 ? now + nap : Double(seen + 1) / rate * 1e9
            let end = max(next, now + 20_000) + Double(lateNanoseconds)
            let total = Int(end / 1e9 * rate)
            policy.update(recordCount: total - seen, elapsedNanoseconds: Int64(end - now))
            seen = total
            now = end
        }
        return policy
    }

    @Test func aTrickleIsReadAtOnce() {
        #expect(policy(afterRate: 500).napMicroseconds == 0)
    }

    @Test func aStormIsReadEveryMillisecondAndNotLater() {
        #expect(policy(afterRate: 100_000).napMicroseconds == NapPolicy.longestNapMicroseconds)
        #expect(policy(afterRate: 10_000_000).napMicroseconds == NapPolicy.longestNapMicroseconds)
    }

    @Test func theNapGrowsWithTheRate() {
        let naps = [3_000, 5_000, 7_000].map { policy(afterRate: $0).napMicroseconds }
        #expect(naps == naps.sorted())
        #expect(naps.allSatisfy { $0 > 0 && $0 < NapPolicy.longestNapMicroseconds })
    }

    @Test func aReadingThatFoundNothingEndsTheNap() {
        var policy = policy(afterRate: 100_000)
        policy.update(recordCount: 0, elapsedNanoseconds: 1_000_000)
        #expect(policy.napMicroseconds == 0)
    }

    @Test func readingsThatComeLateDoNotMakeTheNapLonger() {
        let onTime = policy(afterRate: 4_000)
        let late = policy(afterRate: 4_000, lateNanoseconds: 2_000_000)
        #expect(abs(onTime.napMicroseconds - late.napMicroseconds) <= 200)
    }
}
