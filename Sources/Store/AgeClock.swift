package import Block
package import Model

/// What time it is for a limit of age, where the wall clock may have jumped: the rules, without any clock.
///
/// It goes on from the newest moment that the store knows, as fast as a clock that nobody sets. Where the wall clock is
/// behind it follows at once, since that keeps more. Where the wall clock is ahead, by a jump or because nobody recorded
/// for a while, it follows only when that has stood for a day. docs/decisions/0011.
package struct AgeClock: Hashable, Sendable {
    /// So long a wall clock has to be ahead before it is believed.
    package static let graceNanoseconds: Int64 = 86_400_000_000_000
    /// So little ahead is a clock that is being slewed, or a reading that took its time.
    private static let slackNanoseconds: Int64 = 60_000_000_000

    private var believed: Instant
    private var steadyAtLast: Int64
    /// How far ahead the wall clock is, and since when it is no further.
    private var lead: Int64 = 0
    private var leadsSince: Int64 = 0

    /// A moment that is believed, with what the steady clock said then or later.
    package struct Anchor: Hashable, Sendable {
        package var moment: Instant
        package var steady: Int64

        package init(moment: Instant, steady: Int64) {
            self.moment = moment
            self.steady = steady
        }
    }

    /// Parameter anchor: nil in a store that is new.
    /// Parameter steady: nanoseconds of a clock that is never set and goes on while the machine sleeps (CLOCK_BOOTTIME).
    package init(anchor: Anchor?, wall: Instant, steady: Int64) {
        let known = anchor.map { $0.moment.advanced(byNanoseconds: max(0, steady &- $0.steady)) }
        believed = min(known ?? wall, wall)
        steadyAtLast = steady
    }

    /// The time to judge ages by. To be asked often: a jump between two questions is seen as soon as the second.
    package mutating func moment(wall: Instant, steady: Int64) -> Instant {
        let expected = believed.advanced(byNanoseconds: max(0, steady &- steadyAtLast))
        steadyAtLast = steady
        guard wall > expected.advanced(byNanoseconds: Self.slackNanoseconds) else {
            believed = wall
            lead = 0
            return believed
        }
        let (distance, overflow) = wall.nanosecondsSinceEpoch.subtractingReportingOverflow(
            expected.nanosecondsSinceEpoch)
        let ahead = overflow ? .max : distance
        if lead == 0 || ahead &- lead > Self.slackNanoseconds { leadsSince = steady }
        lead = ahead
        believed = expected
        if steady &- leadsSince >= Self.graceNanoseconds {
            believed = wall
            lead = 0
        }
        return believed
    }
}

extension StoreWriter {
    /// The newest moment that is known from before this boot, and when a run of this boot first began; the beginning of that
    /// run where nothing is known from before. Nil before the first run.
    ///
    /// What runs of this boot say of the time counts for nothing, or a recorder that is started again while the clock is wrong
    /// would believe the one before.
    package func ageAnchor(boot: UUIDBytes) throws(StoreError) -> AgeClock.Anchor? {
        let first = try connection.prepare(
            "first run of the boot", "SELECT started, started_monotonic FROM run WHERE boot_id = ? ORDER BY run LIMIT 1"
        ).first([.bytes(boot.bytes)]) { (row) throws(StoreError) in
            AgeClock.Anchor(moment: Instant(nanosecondsSinceEpoch: row.integer(0)), steady: row.integer(1))
        }
        guard let first else { return nil }
        let before = try connection.prepare(
            "newest run before", "SELECT max(coalesce(clean_end, started)) FROM run WHERE boot_id <> ?"
        ).first([.bytes(boot.bytes)]) { (row) throws(StoreError) in row.optionalInteger(0) }
        guard let moment = before ?? nil else { return first }
        return AgeClock.Anchor(moment: Instant(nanosecondsSinceEpoch: moment), steady: first.steady)
    }
}
