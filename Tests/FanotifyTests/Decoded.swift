import Fanotify
import Model

/// A record with its byte ranges looked up, for comparing.
struct Decoded: Hashable {
    var record: EventRecord
    var name: [UInt8]
    var targetName: [UInt8]
    var directory: [UInt8]?
    var targetDirectory: [UInt8]?
    var object: [UInt8]?
    var directoryHandle: FileHandle?
    var targetHandle: FileHandle?
    var objectHandle: FileHandle?

    init(_ record: EventRecord, in bytes: RawSpan) {
        self.record = record
        name = Self.copy(record.name, bytes)
        targetName = Self.copy(record.targetName, bytes)
        directory = record.directory.map { Self.copy($0.bytes, bytes) }
        targetDirectory = record.targetDirectory.map { Self.copy($0.bytes, bytes) }
        object = record.object.map { Self.copy($0.bytes, bytes) }
        directoryHandle = record.directory.map { FileHandle($0, in: bytes) }
        targetHandle = record.targetDirectory.map { FileHandle($0, in: bytes) }
        objectHandle = record.object.map { FileHandle($0, in: bytes) }
    }

    var nameText: String { String(decoding: name, as: UTF8.self) }
    var targetNameText: String { String(decoding: targetName, as: UTF8.self) }

    /// Everything that can be read, and every error on the way.
    static func read(_ bytes: RawSpan) -> ([Decoded], [RecordError]) {
        var records: [Decoded] = []
        var errors: [RecordError] = []
        var cursor = EventCursor(bytes)
        while true {
            do throws(RecordError) {
                guard let record = try cursor.next() else { return (records, errors) }
                records.append(Decoded(record, in: bytes))
            } catch {
                errors.append(error)
            }
        }
    }

    static func read(_ bytes: [UInt8]) -> ([Decoded], [RecordError]) {
        // SAFETY: every byte of the array is initialized.
        read(unsafe bytes.span.bytes)
    }

    static func errors(_ bytes: [UInt8]) -> [RecordError] {
        read(bytes).1
    }

    /// The records of bytes that have no error.
    static func all(_ bytes: [UInt8]) throws -> [Decoded] {
        let (records, errors) = read(bytes)
        if let error = errors.first { throw error }
        return records
    }

    private static func copy(_ range: ByteRange, _ bytes: RawSpan) -> [UInt8] {
        let part = bytes.extracting(range.indices)
        // SAFETY: the closure copies the bytes while they are lent.
        return unsafe part.withUnsafeBytes { unsafe Array($0) }
    }
}
