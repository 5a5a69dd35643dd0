import CLinux
import Fanotify
import Model
import TestData
import Testing

/// What the bytes of a read say, on records laid out by hand.
@Suite struct EventCursorTests {
    @Test func aNamedEventHasDirectoryNameAndObject() throws {
        var event = EventBytes()
        event.begin([.create, .onDirectory], pid: 77)
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, name: Array("café".utf8))
        event.handle(FAN_EVENT_INFO_TYPE_FID, [9, 0, 0, 0, 1, 0, 0, 0])
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.record.mask == [.create, .onDirectory])
        #expect(record.record.pid == 77)
        #expect(record.record.fileDescriptor == -1)
        #expect(record.record.pidfd == -1)
        #expect(record.name == Array("café".utf8))
        #expect(record.directory == EventBytes.handle)
        #expect(record.record.directory?.filesystem == EventBytes.filesystem)
        #expect(record.record.directory?.type == 1)
        #expect(record.object == [9, 0, 0, 0, 1, 0, 0, 0])
        #expect(record.record.targetDirectory == nil)
        #expect(record.record.range == ByteRange(offset: 0, byteCount: UInt32(event.bytes.count)))
    }

    @Test(arguments: 0...255)
    func aNameOfAnyLengthEndsAtItsNUL(count: Int) throws {
        // Every remainder by four has another padding; 255 is the longest name Linux allows.
        let name = (0..<count).map { UInt8(1 + $0 % 255) }
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, name: name)
        event.end()
        #expect(try Decoded.all(event.bytes).map(\.name) == [name])
    }

    @Test func aNameAfterAHandleThatEndsInZerosIsNotCutIntoTheHandle() throws {
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, [1, 0, 0, 0, 0, 0, 0, 0], name: [])
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.name == [])
        #expect(record.directory == [1, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func moreNULsThanTheKernelPadsWithAreCutOffToo() throws {
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, name: Array("ab".utf8) + [UInt8](repeating: 0, count: 13))
        event.end()
        #expect(try Decoded.all(event.bytes).map(\.name) == [Array("ab".utf8)])
    }

    @Test func aRenameHasBothNames() throws {
        var event = EventBytes()
        event.begin(.rename)
        event.handle(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, [1, 0, 0, 0, 0, 0, 0, 1], name: Array("old".utf8))
        event.handle(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, [2, 0, 0, 0, 0, 0, 0, 2], name: Array("newer".utf8))
        event.handle(FAN_EVENT_INFO_TYPE_FID)
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.name == Array("old".utf8))
        #expect(record.directory == [1, 0, 0, 0, 0, 0, 0, 1])
        #expect(record.targetName == Array("newer".utf8))
        #expect(record.targetDirectory == [2, 0, 0, 0, 0, 0, 0, 2])
        #expect(record.object == EventBytes.handle)
    }

    @Test func aRenameCanShowOnlyTheSideThatIsMarked() throws {
        var event = EventBytes()
        event.begin(.rename)
        event.handle(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, name: Array("in".utf8))
        event.begin(.rename)
        event.handle(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, name: Array("out".utf8))
        event.end()
        let records = try Decoded.all(event.bytes)
        #expect(records.map(\.directory) == [nil, EventBytes.handle])
        #expect(records.map(\.targetDirectory) == [EventBytes.handle, nil])
        #expect(records.map(\.targetName) == [Array("in".utf8), []])
    }

    @Test func anOverflowRecordIsMetadataOnly() throws {
        var event = EventBytes()
        event.begin(.queueOverflow, pid: 0)
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.record.mask == .queueOverflow)
        #expect(record.record.directory == nil && record.record.object == nil)
    }

    @Test func aFilesystemErrorCanNameNoFile() throws {
        var event = EventBytes()
        event.begin(.filesystemError, pid: 0)
        event.handle(FAN_EVENT_INFO_TYPE_FID, [], handleType: FILEID_INVALID)
        event.error(117, count: 3)
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.record.errorNumber == 117)
        #expect(record.record.errorCount == 3)
        #expect(record.record.object?.type == 255)
        #expect(record.object == [])
        #expect(record.objectHandle?.identity == nil)
    }

    @Test func pidfdAndMountAreReadAndOthersAreSkipped() throws {
        var event = EventBytes()
        event.begin(.mountAttach)
        event.mount(0xFFFF_FFFF_1)
        event.raw([200, 0, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        event.raw([UInt8(FAN_EVENT_INFO_TYPE_RANGE), 0, 24, 0] + [UInt8](repeating: 9, count: 20))
        event.pidfd(-3)
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.record.mountID == 0xFFFF_FFFF_1)
        #expect(record.record.pidfd == -3)
    }

    @Test func aDirectoryWithoutNameHasNone() throws {
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_DFID)
        event.end()
        let record = try #require(try Decoded.all(event.bytes).first)
        #expect(record.directory == EventBytes.handle)
        #expect(record.name == [])
    }

    @Test func longerMetadataOfALaterKernelIsSkippedOver() throws {
        var event = EventBytes()
        event.begin(.modify)
        event.raw([1, 2, 3, 4, 5, 6, 7, 8])
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, name: Array("x".utf8))
        event.end()
        var bytes = event.bytes
        bytes[6] = 32
        #expect(try Decoded.all(bytes).map(\.name) == [Array("x".utf8)])
    }

    @Test func everyRecordOfAReadComesInOrder() throws {
        var event = EventBytes()
        for number in 0..<100 {
            event.begin(.modify, pid: Int32(number))
            event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, name: Array("file\(number)".utf8))
        }
        event.end()
        let records = try Decoded.all(event.bytes)
        #expect(records.map(\.record.pid) == (0..<100).map { Int32($0) })
        #expect(records.map(\.name) == (0..<100).map { Array("file\($0)".utf8) })
    }
}

/// Bytes that no kernel writes: an error that says where, and what comes after is still read where it can be.
@Suite struct MalformedRecordTests {
    @Test(arguments: [1, 4, 8, 16, 23])
    func metadataCutOffEndsTheBuffer(count: Int) {
        var event = EventBytes()
        event.begin(.modify)
        event.end()
        #expect(Decoded.errors(Array(event.bytes.prefix(count))) == [RecordError(reason: .truncatedRecord, offset: 0)])
    }

    @Test(arguments: [
        // Zero must not be read again and again for ever.
        UInt32(0),
        // Less than the metadata.
        23,
        // More than there is.
        25, UInt32(Int32.max), .max,
    ])
    func aRecordLengthThatLiesEndsTheBuffer(length: UInt32) {
        var event = EventBytes()
        event.begin(.modify)
        event.end(length: length)
        #expect(Decoded.errors(event.bytes) == [RecordError(reason: .truncatedRecord, offset: 0)])
    }

    @Test func anotherVersionIsRefusedAndTheNextRecordRead() {
        var event = EventBytes()
        event.begin(.modify, version: 4)
        event.begin(.delete)
        event.end()
        let (records, errors) = Decoded.read(event.bytes)
        #expect(errors == [RecordError(reason: .unknownVersion, offset: 0)])
        #expect(records.map(\.record.mask) == [.delete])
    }

    @Test(arguments: [UInt8(0), 23, 25])
    func metadataLengthsThatLieAreRefused(length: UInt8) {
        var event = EventBytes()
        event.begin(.modify)
        event.end()
        var bytes = event.bytes
        bytes[6] = length
        #expect(Decoded.errors(bytes) == [RecordError(reason: .badMetadataLength, offset: 0)])
    }

    @Test(arguments: [
        // Zero and less than its own header.
        UInt16(0), 3,
        // Shorter than fsid and handle need.
        4, 19,
        // Longer than the record.
        200, .max,
    ])
    func informationLengthsThatLieAreRefused(length: UInt16) {
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_FID, length: length)
        event.begin(.delete)
        event.end()
        let (records, errors) = Decoded.read(event.bytes)
        #expect(errors == [RecordError(reason: .badInformationLength, offset: 24)])
        #expect(records.map(\.record.mask) == [.delete])
    }

    @Test(arguments: [UInt32(9), 1_000, .max])
    func handleLengthsThatLieAreRefused(length: UInt32) {
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_FID, handleLength: length)
        event.end()
        #expect(Decoded.errors(event.bytes) == [RecordError(reason: .badHandleLength, offset: 24)])
    }

    @Test func aNameWithoutNULIsRefused() {
        var event = EventBytes()
        event.begin(.modify)
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, EventBytes.handle + Array("name".utf8), handleLength: 8)
        event.end()
        #expect(Decoded.errors(event.bytes) == [RecordError(reason: .unterminatedName, offset: 52)])
    }

    @Test(arguments: [FAN_EVENT_INFO_TYPE_PIDFD, FAN_EVENT_INFO_TYPE_ERROR, FAN_EVENT_INFO_TYPE_MNT])
    func shortFixedRecordsAreRefused(type: Int32) {
        var event = EventBytes()
        event.begin(.modify)
        event.raw([UInt8(type), 0, 4, 0])
        event.end()
        #expect(Decoded.errors(event.bytes) == [RecordError(reason: .badInformationLength, offset: 24)])
    }

    @Test func strayBytesAfterTheLastInformationRecordAreRefused() {
        var event = EventBytes()
        event.begin(.modify)
        event.raw([1, 0])
        event.end()
        #expect(Decoded.errors(event.bytes) == [RecordError(reason: .badInformationLength, offset: 24)])
    }
}
