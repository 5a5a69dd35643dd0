internal import CLinux
package import Model

/// Builds event records as the kernel lays them out, byte by byte, so that tests can also lay them out wrongly.
package struct EventBytes {
    package private(set) var bytes: [UInt8] = []
    private var recordStart: Int?

    package init() {}

    package static let filesystem = FilesystemID(rawValue: 0x1122_3344_5566_7788)
    /// An ext4 handle: inode 42, generation 7.
    package static let handle: [UInt8] = [42, 0, 0, 0, 7, 0, 0, 0]

    /// Begins a record; `end` writes its length.
    package mutating func begin(_ mask: EventMask, pid: Int32 = 1_234, fd: Int32 = -1, version: UInt8 = 3) {
        end()
        recordStart = bytes.count
        append(UInt32(0))
        bytes += [version, 0]
        append(UInt16(24))
        append(UInt64(mask.rawValue))
        append(fd)
        append(pid)
    }

    /// Ends the record, with its true length or a lie.
    package mutating func end(length: UInt32? = nil) {
        guard let start = recordStart else { return }
        overwrite(at: start, length ?? UInt32(bytes.count - start))
        recordStart = nil
    }

    /// An information record with a handle, and a name where there is one; lengths can be lied about.
    package mutating func handle(
        _ type: Int32, _ handle: [UInt8] = EventBytes.handle, handleType: Int32 = 1, name: [UInt8]? = nil,
        length: UInt16? = nil, handleLength: UInt32? = nil
    ) {
        let start = bytes.count
        bytes += [UInt8(truncatingIfNeeded: type), 0, 0, 0]
        append(EventBytes.filesystem.rawValue)
        append(handleLength ?? UInt32(handle.count))
        append(handleType)
        bytes += handle
        if let name { bytes += name + [0] }
        while (bytes.count - start) % 4 != 0 { bytes.append(0) }
        overwrite(at: start + 2, length ?? UInt16(bytes.count - start))
    }

    package mutating func pidfd(_ number: Int32) {
        bytes += [UInt8(FAN_EVENT_INFO_TYPE_PIDFD), 0, 8, 0]
        append(number)
    }

    package mutating func error(_ number: Int32, count: UInt32) {
        bytes += [UInt8(FAN_EVENT_INFO_TYPE_ERROR), 0, 12, 0]
        append(number)
        append(count)
    }

    package mutating func mount(_ id: UInt64) {
        bytes += [UInt8(FAN_EVENT_INFO_TYPE_MNT), 0, 16, 0, 0, 0, 0, 0]
        append(id)
    }

    package mutating func raw(_ more: [UInt8]) {
        bytes += more
    }

    package mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private mutating func overwrite(at offset: Int, _ value: some FixedWidthInteger) {
        for index in 0..<value.bitWidth / 8 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8))
        }
    }
}
