package import Model

/// A stretch of the read buffer: an offset and a count, so that a record carries no pointer and no allocation.
@usableFromInline
package struct ByteRange: Hashable, Sendable {
    @usableFromInline package var offset: UInt32
    @usableFromInline package var byteCount: UInt32

    @inlinable
    package init(offset: UInt32, byteCount: UInt32) {
        self.offset = offset
        self.byteCount = byteCount
    }

    package static var empty: ByteRange { ByteRange(offset: 0, byteCount: 0) }

    @inlinable
    package var isEmpty: Bool { byteCount == 0 }

    /// The same as indices of the buffer.
    @inlinable
    package var indices: Range<Int> { Int(offset)..<(Int(offset) &+ Int(byteCount)) }
}

/// A file handle inside the read buffer: `struct file_handle` with the filesystem id before it.
@usableFromInline
package struct HandleView: Hashable, Sendable {
    @usableFromInline var filesystemBits: UInt64
    /// Where the opaque bytes are. Empty, with `type` 255, where the kernel could not name the object (FS_ERROR).
    @usableFromInline package var bytes: ByteRange
    /// `handle_type`: which layout the filesystem gave the bytes.
    @usableFromInline package var type: Int32

    package init(filesystem: FilesystemID, bytes: ByteRange, type: Int32) {
        self.init(filesystemBits: filesystem.rawValue, bytes: bytes, type: type)
    }

    @usableFromInline
    init(filesystemBits: UInt64, bytes: ByteRange, type: Int32) {
        self.filesystemBits = filesystemBits
        self.bytes = bytes
        self.type = type
    }

    package var filesystem: FilesystemID { FilesystemID(rawValue: filesystemBits) }

    /// Stands for no handle: no handle begins at the start of the buffer, for the record's metadata does.
    @usableFromInline
    static var absent: HandleView {
        @inlinable get { HandleView(filesystemBits: 0, bytes: ByteRange(offset: 0, byteCount: 0), type: 0) }
    }

    @inlinable
    var ifPresent: HandleView? { bytes.offset == 0 ? nil : self }
}

/// One event record of a notification group, decoded; what has variable length are ranges of the read buffer.
///
/// Shape: 144 bytes without references; reuse one with `EventCursor.next(into:)`.
/// Source: `struct fanotify_event_metadata` and its information records, fanotify(7).
@usableFromInline
package struct EventRecord: Hashable, Sendable {
    package var mask: EventMask
    /// Who: the process id in the pid namespace of the group's maker; 0 for a process outside it and for overflow.
    package var pid: Int32
    /// The event's descriptor in an fd-mode group (the reader must close it), else negative; test `< 0`.
    package var fileDescriptor: Int32
    /// The process's pidfd in a group with `.reportPIDFD` (the reader must close it), else negative.
    package var pidfd: Int32
    /// Where the record begins in the buffer, and its length.
    package var range: ByteRange
    /// The name in the directory, without NUL; `.` where the event is about the directory itself; empty where none was
    /// reported.
    package var name: ByteRange
    /// A rename's new name.
    package var targetName: ByteRange
    /// FS_ERROR: the first error number since the last report, else 0.
    package var errorNumber: Int32
    /// FS_ERROR: how many errors happened since the last report, else 0.
    package var errorCount: UInt32
    /// MNT_ATTACH and MNT_DETACH: the unique mount id, else 0. Linux ≥ 6.14.
    package var mountID: UInt64

    @usableFromInline var directoryView: HandleView
    @usableFromInline var targetView: HandleView
    @usableFromInline var objectView: HandleView

    /// The directory the event happened in; for a rename the old one. DFID_NAME, DFID, OLD_DFID_NAME.
    @inlinable
    package var directory: HandleView? { directoryView.ifPresent }

    /// A rename's new directory, nil where it is not marked. NEW_DFID_NAME.
    @inlinable
    package var targetDirectory: HandleView? { targetView.ifPresent }

    /// The object itself. FID.
    @inlinable
    package var object: HandleView? { objectView.ifPresent }

    /// A record of nothing, to be overwritten.
    package init() {
        // A literal [] would be made by a generic function.
        mask = EventMask(rawValue: 0)
        pid = 0
        fileDescriptor = -1
        pidfd = -1
        range = ByteRange(offset: 0, byteCount: 0)
        name = ByteRange(offset: 0, byteCount: 0)
        targetName = ByteRange(offset: 0, byteCount: 0)
        errorNumber = 0
        errorCount = 0
        mountID = 0
        directoryView = .absent
        targetView = .absent
        objectView = .absent
    }
}

/// Bytes that are no event record as fanotify(7) describes it.
package struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        case truncatedRecord = "the record is cut off"
        case unknownVersion = "the metadata version is not 3"
        case badMetadataLength = "the metadata length does not fit the record"
        case badInformationLength = "an information record's length does not fit"
        case badHandleLength = "a file handle's length does not fit its information record"
        case unterminatedName = "a name does not end in NUL"
    }

    package var reason: Reason
    /// Of the record or information record, in the buffer.
    package var offset: Int

    package init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "malformed event record at byte \(offset): \(reason.rawValue)" }
}
