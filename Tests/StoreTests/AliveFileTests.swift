import Block
import Model
import Store
import Syscalls
import TestSupport
import Testing

@Suite struct AliveFileTests {
    static let heartbeat = Heartbeat(
        run: 7, bootID: StoreScene.bootID, pid: 4_321, writtenAt: StoreScene.start, monotonicNanoseconds: 12_345,
        nextSequence: 1 << 40, quietAt: StoreScene.start.advanced(byNanoseconds: -5))

    static func file(_ heartbeat: Heartbeat = heartbeat) -> [UInt8] {
        AliveFile.encodeHolder(pid: 99) + AliveFile.encode(heartbeat)
    }

    @Test func theBytesAreThoseOfTheSpecification() {
        let bytes = Self.file()
        #expect(bytes.count == 4_096)
        #expect(Array(bytes[0..<8]) == Array("VARVEPID".utf8))
        #expect(bytes[12] == 99)
        #expect(Array(bytes[512..<520]) == Array("VARVEALV".utf8))
        #expect(bytes[528] == 7 && bytes[532] == 1)
        #expect(Array(bytes[536..<544]) == [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88])
        #expect(bytes[573] == 1, "bit 40 of the next seq")
        #expect(bytes[592...].allSatisfy { $0 == 0 })
    }

    @Test func whatIsWrittenIsReadBack() {
        let content = AliveFile.decode(Self.file())
        #expect(content.holderPID == 99)
        #expect(content.heartbeat == Self.heartbeat)
        var never = Self.heartbeat
        never.quietAt = nil
        #expect(AliveFile.decode(Self.file(never)).heartbeat == never)
    }

    @Test func aTornOrForeignRecordSaysNothing() {
        #expect(AliveFile.decode([]) == AliveFile.Content())
        #expect(AliveFile.decode(Array(repeating: 0, count: 4_096)) == AliveFile.Content())
        #expect(AliveFile.decode(Array("#!/bin/sh\n".utf8)) == AliveFile.Content())
        for position in [512, 524, 540, 560, 570, 580, 590] {
            var bytes = Self.file()
            bytes[position] ^= 1
            let content = AliveFile.decode(bytes)
            #expect(content.heartbeat == nil, "byte \(position)")
            #expect(content.holderPID == 99)
        }
        for count in [10, 24, 600] {
            #expect(AliveFile.decode(Array(Self.file().prefix(count))).heartbeat == nil || count >= 592)
        }
    }

    @Test func aLossWithoutARowIsToldBehindTheHeartbeat() {
        var lossy = Self.heartbeat
        lossy.pendingLoss = Gap(
            kind: .batchDropped, from: StoreScene.start, to: StoreScene.start.advanced(byNanoseconds: 9), count: 1_234,
            scope: nil, cause: "database or disk is full")
        #expect(AliveFile.decode(Self.file(lossy)).heartbeat == lossy)
        for position in [592, 600, 616, 627, 640, 883, 891] {
            var bytes = Self.file(lossy)
            bytes[position] ^= 0x80
            #expect(AliveFile.decode(bytes).heartbeat == Self.heartbeat, "byte \(position)")
        }
        lossy.pendingLoss?.cause = String(repeating: "x", count: 300)
        #expect(AliveFile.decode(Self.file(lossy)).heartbeat?.pendingLoss?.cause.utf8.count == 256)
        #expect(Self.file(lossy).count == 4_096)
    }

    @Test func takingTheLockKeepsTheLastHeartbeat() throws {
        let scene = try StoreScene()
        do {
            var writer = try scene.writer()
            try writer.heartbeat(Self.heartbeat)
        }
        let writer = try scene.writer()
        #expect(writer.previousHeartbeat == Self.heartbeat)
        #expect(AliveFile.read(directory: scene.path).heartbeat == Self.heartbeat)
        #expect(AliveFile.read(directory: scene.path).holderPID != nil)
        #expect(try scene.layout.alive.status().byteCount == 4_096)
    }

    @Test func aMissingFileSaysNothing() {
        #expect(AliveFile.read(directory: RawPath("/nonexistent")) == AliveFile.Content())
    }
}
