import CLinux
import Fanotify
import Model
import TestData
import TestSupport
import Testing

/// Bytes nobody designed: the cursor always ends, never traps, and never points outside the buffer.
@Suite struct EventCursorPropertyTests {
    @Test func randomBytesEndWithoutATrap() {
        var generator = seeded()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            check(bytes)
        }
    }

    @Test func damagedRecordsEndWithoutATrap() {
        var generator = seeded()
        for _ in 0..<20_000 {
            var bytes = wellFormed(recordCount: 3, &generator)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                // Small and extreme values hit the lengths that matter.
                let values: [UInt8] = [0, 1, 3, 4, 19, 20, 23, 24, 127, 128, 255]
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = values.randomElement(using: &generator) ?? 0
            }
            if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
            check(bytes)
        }
    }

    @Test func whatWasWrittenIsRead() throws {
        var generator = seeded()
        for _ in 0..<500 {
            let count = Int.random(in: 1...20, using: &generator)
            let records = try Decoded.all(wellFormed(recordCount: count, &generator))
            #expect(records.count == count)
            #expect(
                records.reduce(0) { $0 + Int($1.record.range.byteCount) }
                    == records.last?.record.range.indices.upperBound)
        }
    }

    private func seeded() -> SeededGenerator {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        return SeededGenerator(seed: seed)
    }

    /// Reading a record's ranges traps where one is outside the buffer, so decoding all of them is the check.
    private func check(_ bytes: [UInt8]) {
        let (records, errors) = Decoded.read(bytes)
        #expect(records.count + errors.count <= bytes.count / 24 + 1)
    }

    private func wellFormed(recordCount: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        var event = EventBytes()
        for number in 0..<recordCount {
            event.begin(EventMask(rawValue: .random(in: 0...UInt32.max, using: &generator)), pid: Int32(number))
            for type in [
                FAN_EVENT_INFO_TYPE_DFID_NAME, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME,
            ] where Bool.random(using: &generator) {
                let handle = (0..<4 * Int.random(in: 0...32, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let name = (0..<Int.random(in: 1...255, using: &generator)).map { _ in
                    UInt8.random(in: 1...255, using: &generator)
                }
                event.handle(type, handle, name: name)
            }
            if Bool.random(using: &generator) { event.handle(FAN_EVENT_INFO_TYPE_FID) }
            if Bool.random(using: &generator) { event.pidfd(.random(in: -5...100, using: &generator)) }
            if Bool.random(using: &generator) { event.error(5, count: 1) }
            if Bool.random(using: &generator) { event.raw([77, 0, 8, 0, 1, 2, 3, 4]) }
        }
        event.end()
        return event.bytes
    }
}
