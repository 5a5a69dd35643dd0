import Model
import Testing

@Suite struct InstantTests {
    @Test(
        arguments: [
            // Each row: nanoseconds, the microsecond at or before, the microsecond at or after.
            (0, 0, 0), (1, 0, 1), (999, 0, 1), (1_000, 1, 1), (1_001, 1, 2), (-1, -1, 0), (-1_000, -1, -1),
            (-1_001, -2, -1),
        ] as [(Int64, Int64, Int64)])
    func microsecondsAreRoundedOutward(nanoseconds: Int64, down: Int64, up: Int64) {
        let instant = Instant(nanosecondsSinceEpoch: nanoseconds)
        #expect(instant.microsecondsRoundedDown == down)
        #expect(instant.microsecondsRoundedUp == up)
    }

    @Test func arithmeticSaturates() {
        #expect(Instant.distantFuture.advanced(byNanoseconds: 1) == .distantFuture)
        #expect(Instant.distantPast.advanced(byNanoseconds: -1) == .distantPast)
        #expect(Instant(microsecondsSinceEpoch: .max) == .distantFuture)
        #expect(Instant(microsecondsSinceEpoch: .min) == .distantPast)
    }
}
