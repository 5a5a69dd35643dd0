import Synchronization
import Syscalls
import Testing

@testable import Recorder

/// Buffers are told apart by their barriers.
@Suite struct BufferRingTests {
    /// No test waits that long: a buffer that is only calm is not looked at for its own sake.
    private static let forEver: Int64 = 3_600_000_000_000

    private let ring: BufferRing

    init() throws {
        ring = try BufferRing(
            policy: GatheringPolicy(calmNanoseconds: Self.forEver, urgentNanoseconds: 1, restNanoseconds: 0))
    }

    @Test func whatIsUrgentIsLookedAtWithAllThatGathered() throws {
        let looks = try emptying(2)
        fill(1, .calm)
        fill(2, .urgent)
        let seen = looks.join()
        #expect(seen == [1, 2])
    }

    @Test func anAnswerIsNotKeptWaiting() throws {
        let looks = try emptying(1)
        fill(7, .immediate)
        let seen = looks.join()
        #expect(seen == [7])
    }

    @Test func theRingIsNotLeftToFillUp() throws {
        let count = Int(BufferRing.bufferCount) * 3
        let looks = try emptying(count)
        for barrier in 1...count { fill(UInt64(barrier), .calm) }
        // Those behind the last look that a full ring forced are still calm.
        ring.announce(.immediate, now: Clock.monotonic())
        let seen = looks.join()
        #expect(seen == (1...count).map(UInt64.init))
    }

    @Test func whatIsCalmIsLookedAtInTheEnd() throws {
        let ring = try BufferRing(
            policy: GatheringPolicy(calmNanoseconds: 1_000_000, urgentNanoseconds: 0, restNanoseconds: 1_000_000))
        let looks = try emptying(1, of: ring)
        fill(3, .calm, in: ring)
        let seen = looks.join()
        #expect(seen == [3])
    }

    private func fill(_ barrier: UInt64, _ urgency: BufferRing.Urgency, in other: BufferRing? = nil) {
        let ring = other ?? self.ring
        ring.fill { slot in
            slot.barrier = barrier
            return true
        }
        ring.announce(urgency, now: Clock.monotonic())
    }

    private func emptying(_ count: Int, of other: BufferRing? = nil) throws -> Emptier {
        try Emptier(of: other ?? ring, until: count)
    }
}

/// Empties a ring in a thread of its own until so many buffers came.
private struct Emptier: ~Copyable {
    private final class Seen: Sendable {
        let barriers = Mutex<[UInt64]>([])
    }

    private let seen: Seen
    private let thread: OSThread

    init(of ring: BufferRing, until count: Int) throws {
        let seen = Seen()
        self.seen = seen
        thread = try OSThread(name: "emptier") {
            while seen.barriers.withLock({ $0.count }) < count {
                _ = ring.empty(timeoutNanoseconds: nil) { slot in
                    let barrier = slot.barrier
                    seen.barriers.withLock { $0.append(barrier) }
                }
            }
        }
    }

    consuming func join() -> [UInt64] {
        let seen = seen
        thread.join()
        return seen.barriers.withLock { $0 }
    }
}
