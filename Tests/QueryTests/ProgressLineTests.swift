import Testing

@testable import Query

@Suite struct ProgressLineTests {
    @Test func itIsShownFromTheFirstSecondOnAndNotAtEachStep() {
        var now: Int64 = 5_000_000_000
        var written: [String] = []
        var line: ProgressLine? = ProgressLine(
            now: { now }, write: { written.append(String(decoding: $0, as: UTF8.self)) })
        var asked = 0
        func update(_ done: UInt64, of total: UInt64) {
            line?.update {
                asked += 1
                return (done, total)
            }
        }
        now += 999_999_999
        update(10, of: 100)
        #expect(written.isEmpty && asked == 0)
        now += 1
        update(12, of: 100)
        now += 100_000_000
        update(13, of: 100)
        now += 150_000_000
        update(99_999, of: 100_000)
        now += 250_000_000
        update(5, of: 5)
        now += 250_000_000
        update(0, of: 0)
        #expect(
            written.map { $0.filter { !"\r\u{1B}".contains($0) } } == [
                "12.0 % [K", "99.9 % [K", "99.9 % [K", "0.0 % [K",
            ])
        #expect(asked == 4)
        // It takes itself away with whoever showed it.
        line = nil
        #expect(written.last == "\r\u{1B}[K" && written.count == 5)
    }
}
