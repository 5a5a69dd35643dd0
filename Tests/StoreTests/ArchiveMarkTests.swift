import Block
import Model
import Store
import Testing

/// The small files of an archive, as they are and as damage leaves them.
@Suite struct ArchiveMarkTests {
    static let store = UUIDBytes(high: 0xAAAA_0000_0000_4001, low: 0x8000_0000_0000_0001)
    static let mark = ArchiveMark(store: store, made: StoreScene.start)
    static let start = ArchiveStart(
        store: store, number: 3, isContinued: true, finished: StoreScene.start,
        previousEnd: StoreScene.start.advanced(byNanoseconds: -7), cause: "No space left on device")
    static let until = ArchiveUntil(commit: 1 << 40, moment: StoreScene.start)

    @Test func theBytesAreThoseOfTheSpecification() {
        let mark = Self.mark.bytes
        #expect(mark.count == 64)
        #expect(Array(mark[0..<12]) == Array("VARVARC1".utf8) + [1, 0, 64, 0])
        #expect(Array(mark[16..<32]) == Self.store.bytes)
        let start = Self.start.bytes
        #expect(start.count == 80 + 23)
        #expect(Array(start[0..<16]) == Array("VARVGEN1".utf8) + [1, 0, 80, 0, 1, 0, 0, 0])
        #expect(start[32] == 3 && start[56] == 23)
        #expect(Array(start[80...]) == Array("No space left on device".utf8))
        let until = Self.until.bytes
        #expect(until.count == 32)
        #expect(Array(until[0..<8]) == Array("VARVUNT1".utf8))
        #expect(until[13] == 1, "bit 40 of the commit")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        #expect(try ArchiveMark(Self.mark.bytes) == Self.mark)
        #expect(try ArchiveStart(Self.start.bytes) == Self.start)
        #expect(try ArchiveUntil(Self.until.bytes) == Self.until)
        var first = Self.start
        first.previousEnd = nil
        first.cause = String(repeating: "ä", count: 2_000)
        let read = try ArchiveStart(first.bytes)
        #expect(read.previousEnd == nil)
        #expect(first.bytes.count == 80 + 1_024, "a cause that is too long is cut")
    }

    @Test func everyCutAndEveryFlippedBitIsFound() throws {
        func check(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) throws {
            for count in 0..<bytes.count {
                #expect(try StoreError.thrown { try read(Array(bytes.prefix(count))) } != nil, "cut to \(count)")
            }
            for position in bytes.indices {
                var damaged = bytes
                damaged[position] ^= 0x40
                #expect(try StoreError.thrown { try read(damaged) } != nil, "byte \(position)")
            }
            #expect(try StoreError.thrown { try read(bytes + [0]) } != nil, "too long")
        }
        try check(Self.mark.bytes) { _ = try ArchiveMark($0) }
        try check(Self.start.bytes) { _ = try ArchiveStart($0) }
        try check(Self.until.bytes) { _ = try ArchiveUntil($0) }
    }

    @Test func aNewerVersionIsNamed() throws {
        var bytes = Self.mark.bytes
        bytes[8] = 2
        #expect(try StoreError.thrown { _ = try ArchiveMark(bytes) }?.code == .newerSchema(2))
    }
}
