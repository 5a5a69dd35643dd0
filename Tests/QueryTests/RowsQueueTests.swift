import Synchronization
import Syscalls
import TestSupport
import Testing

@testable import Query

/// Rows handed from one thread to another.
@Suite struct RowsQueueTests {
    private static func rows(_ byteCount: Int, _ byte: UInt8 = 0) -> WrittenRows {
        WrittenRows(bytes: Array(repeating: byte, count: byteCount), count: 1)
    }

    @Test func piecesComeInTheirOrder() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let sizes = (0..<200).map { _ in Int.random(in: 1...300_000, using: &generator) }
        let queue = try RowsQueue()
        let thread = try OSThread(name: "writer") {
            for (number, size) in sizes.enumerated() {
                var rows = Self.rows(size, UInt8(truncatingIfNeeded: number))
                guard queue.put(&rows), rows.bytes.isEmpty, rows.count == 0 else { break }
            }
            queue.end()
        }
        var taken = WrittenRows()
        while let rows = queue.take() {
            taken.bytes += rows.bytes
            taken.count += rows.count
            if Int.random(in: 0..<4, using: &generator) == 0 { Clock.sleep(nanoseconds: 500_000) }
        }
        thread.join()
        #expect(taken.count == sizes.count, "seed \(seed)")
        var expected: [UInt8] = []
        for (number, size) in sizes.enumerated() {
            expected += Array(repeating: UInt8(truncatingIfNeeded: number), count: size)
        }
        #expect(taken.bytes == expected, "seed \(seed)")
        #expect(queue.take() == nil)
    }

    @Test func whoIsTooFarAheadWaits() throws {
        let queue = try RowsQueue()
        let putCount = Counter()
        let thread = try OSThread(name: "writer") {
            for _ in 0..<8 {
                var rows = Self.rows(256 << 10)
                guard queue.put(&rows) else { return }
                putCount.value.withLock { $0 += 1 }
            }
            queue.end()
        }
        while queue.hasRoom { Clock.sleep(nanoseconds: 100_000) }
        // Not one more until somebody comes for them.
        Clock.sleep(nanoseconds: 20_000_000)
        #expect(putCount.value.withLock { $0 } <= 4)
        #expect(queue.take()?.bytes.count == 1 << 20)
        var rest = 0
        while let rows = queue.take() { rest += rows.count }
        #expect(rest == 4)
        thread.join()
    }

    @Test func whoWaitsIsToldThatNobodyComes() throws {
        let queue = try RowsQueue()
        let isRefused = Counter()
        let thread = try OSThread(name: "writer") {
            var rows = Self.rows(1)
            while queue.put(&rows) { rows = Self.rows(256 << 10) }
            isRefused.value.withLock { $0 += 1 }
        }
        while queue.hasRoom { Clock.sleep(nanoseconds: 100_000) }
        queue.giveUp()
        thread.join()
        #expect(isRefused.value.withLock { $0 } == 1)
    }

    private final class Counter: Sendable {
        let value = Mutex(0)
    }
}
