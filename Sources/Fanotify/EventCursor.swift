internal import CLinux
package import Model

// One event record, little words first (Linux on x86-64 and arm64 is little-endian):
//
//   offset size  struct fanotify_event_metadata
//        0    4  event_len      the whole record, information records included
//        4    1  vers           3
//        5    1  reserved
//        6    2  metadata_len   24; information records begin here
//        8    8  mask
//       16    4  fd
//       20    4  pid
//
//   offset size  struct fanotify_event_info_header, then by type
//        0    1  info_type
//        1    1  pad
//        2    2  len            with this header, padded to 4
//        4    8  fsid           FID 1, DFID_NAME 2, DFID 3, OLD_DFID_NAME 10, NEW_DFID_NAME 12
//       12    4  handle_bytes
//       16    4  handle_type
//       20    n  f_handle, then for the _NAME types the name, NUL, zeros to a multiple of 4
//        4    4  pidfd          PIDFD 4
//        4    4  error          ERROR 5
//        8    4  error_count
//        8    8  mnt_id         MNT 7 (4 bytes of padding before it)
//
// Whatever the bytes are, nothing here traps: every length is checked against what surrounds it before it is used.

/// Walks the event records of one read, in the order the kernel queued them.
///
/// Cost: no allocation, no reference counting. Thread: any, one at a time.
package struct EventCursor: ~Copyable, ~Escapable {
    private let bytes: RawSpan
    private var offset: Int

    /// Begins at the first record of `bytes`, which must be what one read(2) returned (or several, back to back).
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) {
        // Offsets in records are 32-bit. A read buffer is far below that; more could only come from a test.
        precondition(bytes.byteCount <= Int(Int32.max), "records are read in pieces below 2 GiB")
        self.bytes = bytes
        offset = 0
    }

    /// How many records there are and what they are about, without a look into them: 1 to 2 ns each.
    ///
    /// Stops at a length that cannot be.
    package static func summary(of bytes: RawSpan) -> (recordCount: Int, masks: EventMask) {
        var count = 0
        var masks: UInt32 = 0
        var offset = 0
        while bytes.byteCount &- offset >= metadataByteCount {
            let byteCount = Int(bytes.load(at: offset, as: UInt32.self))
            guard byteCount >= metadataByteCount else { break }
            masks |= bytes.load(at: offset &+ 8, as: UInt32.self)
            count &+= 1
            offset &+= byteCount
        }
        return (count, EventMask(rawValue: masks))
    }

    /// The next record, nil at the end. `next(into:)` is the same without copying the record.
    package mutating func next() throws(RecordError) -> EventRecord? {
        var record = EventRecord()
        return try next(into: &record) ? record : nil
    }

    /// Overwrites `record` by the next record; false at the end, which leaves it as it is.
    ///
    /// Throws: `RecordError`. The cursor then stands behind the bad record, or at the end where the record's own length
    /// cannot be believed; calling again is allowed and ends. What `record` holds then is of no use.
    package mutating func next(into record: inout EventRecord) throws(RecordError) -> Bool {
        let start = offset
        let available = bytes.byteCount &- start
        guard available > 0 else { return false }
        guard available >= Self.metadataByteCount else { throw abandon(.truncatedRecord) }

        let head = bytes.load(at: start, as: UInt64.self)
        let recordByteCount = Int(UInt32(truncatingIfNeeded: head))
        let metadataByteCount = Int(head &>> 48)
        guard recordByteCount >= Self.metadataByteCount, recordByteCount <= available else {
            throw abandon(.truncatedRecord)
        }
        offset = start &+ recordByteCount
        guard UInt8(truncatingIfNeeded: head &>> 32) == UInt8(FANOTIFY_METADATA_VERSION) else {
            throw RecordError(reason: .unknownVersion, offset: start)
        }
        guard metadataByteCount >= Self.metadataByteCount, metadataByteCount <= recordByteCount else {
            throw RecordError(reason: .badMetadataLength, offset: start)
        }

        let who = bytes.load(at: start &+ 16, as: UInt64.self)
        record.mask.rawValue = bytes.load(at: start &+ 8, as: UInt32.self)
        record.pid = Int32(truncatingIfNeeded: who &>> 32)
        record.fileDescriptor = Int32(truncatingIfNeeded: who)
        record.pidfd = -1
        record.range = ByteRange(
            offset: UInt32(truncatingIfNeeded: start), byteCount: UInt32(truncatingIfNeeded: head))
        record.name = .empty
        record.targetName = .empty
        record.errorNumber = 0
        record.errorCount = 0
        record.mountID = 0
        record.directoryView = .absent
        record.targetView = .absent
        record.objectView = .absent
        try readInformation(start &+ metadataByteCount, to: offset, into: &record)
        return true
    }

    private static let metadataByteCount = 24

    /// Reads the information records in `position..<end`; types that are not known are skipped.
    @inline(__always)
    private func readInformation(_ first: Int, to end: Int, into record: inout EventRecord) throws(RecordError) {
        var position = first
        while position < end {
            guard end &- position >= 4 else { throw RecordError(reason: .badInformationLength, offset: position) }
            let header = bytes.load(at: position, as: UInt32.self)
            let byteCount = Int(header &>> 16)
            guard byteCount >= 4, byteCount <= end &- position else {
                throw RecordError(reason: .badInformationLength, offset: position)
            }
            let next = position &+ byteCount
            switch Int32(header & 0xFF) {
            case FAN_EVENT_INFO_TYPE_DFID_NAME, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
                record.directoryView = try readHandle(position, to: next)
                record.name = try readName(record.directoryView, to: next)
            case FAN_EVENT_INFO_TYPE_FID:
                record.objectView = try readHandle(position, to: next)
            case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
                record.targetView = try readHandle(position, to: next)
                record.targetName = try readName(record.targetView, to: next)
            case FAN_EVENT_INFO_TYPE_DFID:
                record.directoryView = try readHandle(position, to: next)
            case FAN_EVENT_INFO_TYPE_PIDFD:
                guard byteCount >= 8 else { throw RecordError(reason: .badInformationLength, offset: position) }
                record.pidfd = bytes.load(at: position &+ 4, as: Int32.self)
            case FAN_EVENT_INFO_TYPE_ERROR:
                guard byteCount >= 12 else { throw RecordError(reason: .badInformationLength, offset: position) }
                record.errorNumber = bytes.load(at: position &+ 4, as: Int32.self)
                record.errorCount = bytes.load(at: position &+ 8, as: UInt32.self)
            case FAN_EVENT_INFO_TYPE_MNT:
                guard byteCount >= 16 else { throw RecordError(reason: .badInformationLength, offset: position) }
                record.mountID = bytes.load(at: position &+ 8, as: UInt64.self)
            default:
                break
            }
            position = next
        }
    }

    /// Reads fsid and handle of the information record in `position..<end`.
    @inline(__always)
    private func readHandle(_ position: Int, to end: Int) throws(RecordError) -> HandleView {
        guard end &- position >= 20 else { throw RecordError(reason: .badInformationLength, offset: position) }
        let filesystem = bytes.load(at: position &+ 4, as: UInt64.self)
        let head = bytes.load(at: position &+ 12, as: UInt64.self)
        let byteCount = UInt32(truncatingIfNeeded: head)
        guard Int(byteCount) <= end &- position &- 20 else {
            throw RecordError(reason: .badHandleLength, offset: position)
        }
        return HandleView(
            filesystemBits: filesystem,
            bytes: ByteRange(offset: UInt32(truncatingIfNeeded: position &+ 20), byteCount: byteCount),
            type: Int32(truncatingIfNeeded: head &>> 32))
    }

    /// Finds the name between a handle and the end of its information record.
    ///
    /// The kernel ends it with one NUL and pads with at most three more, so its end is found in the last four bytes
    /// without looking at the rest. Longer padding, which the kernel does not make, is walked back over.
    @inline(__always)
    private func readName(_ handle: HandleView, to end: Int) throws(RecordError) -> ByteRange {
        let start = handle.bytes.indices.upperBound
        guard start < end else { return .empty }
        // At least 20 bytes of the information record lie before `end`, so these four are inside the span.
        let last = bytes.load(at: end &- 4, as: UInt32.self)
        guard last &>> 24 == 0 else { throw RecordError(reason: .unterminatedName, offset: start) }
        var nameEnd = end &- last.leadingZeroBitCount &>> 3
        if last == 0 {
            while nameEnd > start, bytes.load(at: nameEnd &- 1, as: UInt8.self) == 0 { nameEnd &-= 1 }
        }
        // With less than four bytes after the handle, zeros of the handle itself were counted.
        nameEnd = max(nameEnd, start)
        return ByteRange(
            offset: UInt32(truncatingIfNeeded: start), byteCount: UInt32(truncatingIfNeeded: nameEnd &- start))
    }

    /// Gives up on the rest of the bytes.
    private mutating func abandon(_ reason: RecordError.Reason) -> RecordError {
        let error = RecordError(reason: reason, offset: offset)
        offset = bytes.byteCount
        return error
    }
}

extension RawSpan {
    /// The integer at `offset`, which need not be aligned. Traps outside the span.
    @inlinable
    @inline(__always)
    package func load<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        // SAFETY: unsafeLoadUnaligned checks the bounds; it is called unsafe because not every type allows every bit
        // pattern, which integers do.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }
}
