internal import Glibc
package import Model
package import Syscalls

extension NotificationGroup {
    /// The filesystem marks that are in place, by the device number that mountinfo shows.
    ///
    /// A mark vanishes with the last mount of its filesystem, and nobody says so; this is the only way to see it.
    /// Cost: one file of /proc, with a line for each mark, also of the many on single directories.
    /// Source: proc(5) "fdinfo", lines `fanotify sdev:DEV mflags:… mask:MASK ignored_mask:…`.
    package borrowing func filesystemMarks() throws(SyscallError) -> [UInt64: EventMask] {
        let file = try OwnedDescriptor.open(RawPath("/proc/self/fdinfo/\(fileDescriptor)"), flags: O_RDONLY)
        var marks: [UInt64: EventMask] = [:]
        var rest: [UInt8] = []
        while (try file.read(upTo: Self.readByteCount, appendingTo: &rest) ?? 0) > 0 {
            guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            marks.merge(Self.filesystemMarks(in: Array(rest[...end]))) { $1 }
            rest.removeSubrange(...end)
        }
        marks.merge(Self.filesystemMarks(in: rest)) { $1 }
        return marks
    }

    private static var readByteCount: Int { 65_536 }

    /// Reads the lines of filesystem marks; those of inodes and mounts begin otherwise.
    package static func filesystemMarks(in lines: [UInt8]) -> [UInt64: EventMask] {
        var marks: [UInt64: EventMask] = [:]
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count >= 4, words[0].elementsEqual("fanotify".utf8),
                let device = number(words[1], after: "sdev:"), let mask = number(words[3], after: "mask:")
            else { continue }
            // The kernel's own packing: 20 bits of minor; stat(2) and mountinfo have another.
            let major = device >> 20
            let minor = device & 0xF_FFFF
            let packed = (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & 0xFFFF_FF00) << 12
            marks[packed] = EventMask(rawValue: UInt32(truncatingIfNeeded: mask))
        }
        return marks
    }

    private static func number(_ word: ArraySlice<UInt8>, after prefix: String) -> UInt64? {
        guard word.starts(with: prefix.utf8) else { return nil }
        return UInt64(String(decoding: word.dropFirst(prefix.utf8.count), as: UTF8.self), radix: 16)
    }
}
