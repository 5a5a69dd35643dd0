package import Model

/// One mount of a mount namespace, a line of `/proc/PID/mountinfo`, proc(5).
package struct MountEntry: Hashable, Sendable {
    /// The mount's number, not a filesystem id; it can be used again after an unmount.
    package var id: UInt64
    package var parentID: UInt64
    /// `st_dev` of the files on it (not on btrfs, where each subvolume has its own).
    package var device: UInt64
    /// Which directory of the filesystem is mounted.
    package var root: RawPath
    package var mountPoint: RawPath
    /// Of this mount, such as `rw,nosuid`.
    package var options: RawPath
    package var filesystemType: RawPath
    package var source: RawPath
    /// Of the filesystem, such as `rw,subvolid=5`.
    package var superblockOptions: RawPath

    package var isReadOnly: Bool { Self.has("ro", options) || Self.has("ro", superblockOptions) }
    package var isNoSUID: Bool { Self.has("nosuid", options) }

    /// Of an overlay: where what is written through it lands, and where the kernel prepares that. nil for every other
    /// filesystem, for an overlay without a writable layer, and where a name holds a comma.
    package var overlayDirectories: (upper: RawPath, work: RawPath)? {
        guard filesystemType.bytes.elementsEqual("overlay".utf8) else { return nil }
        func value(_ name: String) -> RawPath? {
            let words = superblockOptions.bytes.split(separator: UInt8(ascii: ","))
            guard let word = words.first(where: { $0.starts(with: name.utf8) }) else { return nil }
            return MountTable.unescape(word.dropFirst(name.utf8.count))
        }
        guard let upper = value("upperdir="), let work = value("workdir=") else { return nil }
        return (upper, work)
    }

    /// Of an overlay: the layers below the writable one, the uppermost first.
    package var overlayLowerDirectories: [RawPath] {
        guard filesystemType.bytes.elementsEqual("overlay".utf8) else { return [] }
        let words = superblockOptions.bytes.split(separator: UInt8(ascii: ","))
        guard let word = words.first(where: { $0.starts(with: "lowerdir=".utf8) }) else { return [] }
        return word.dropFirst("lowerdir=".utf8.count).split(separator: UInt8(ascii: ":")).map(MountTable.unescape)
    }

    private static func has(_ option: String, _ options: RawPath) -> Bool {
        options.bytes.split(separator: UInt8(ascii: ",")).contains { $0.elementsEqual(option.utf8) }
    }
}

/// The mounts of a mount namespace, in the order of the kernel: later ones hide earlier ones at the same place.
package enum MountTable {
    /// Reads the mounts of this process's namespace.
    package static func current() throws(SyscallError) -> [MountEntry] {
        parse(try Files.contents(of: RawPath("/proc/self/mountinfo"), limit: 1 << 26))
    }

    /// Reads the mounts of another process's namespace, with mount points as its root directory shows them.
    ///
    /// Throws: ENOENT where it is gone.
    package static func of(_ pid: Int32) throws(SyscallError) -> [MountEntry] {
        parse(try Files.contents(of: RawPath("/proc/\(pid)/mountinfo"), limit: 1 << 26))
    }

    /// Reads lines `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPEROPTIONS`; lines that are not of
    /// that form are left out.
    package static func parse(_ lines: [UInt8]) -> [MountEntry] {
        lines.split(separator: UInt8(ascii: "\n")).compactMap(entry)
    }

    private static func entry(_ line: ArraySlice<UInt8>) -> MountEntry? {
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        // Optional tags stand before the separator; a source may be empty.
        guard let separator = words.dropFirst(6).firstIndex(where: { $0.elementsEqual("-".utf8) }),
            words.count >= separator + 3, let id = ByteScanner.decimal(words[0]),
            let parentID = ByteScanner.decimal(words[1]), let device = device(words[2])
        else { return nil }
        return MountEntry(
            id: id, parentID: parentID, device: device, root: unescape(words[3]), mountPoint: unescape(words[4]),
            options: RawPath(Array(words[5])), filesystemType: unescape(words[separator + 1]),
            source: unescape(words[separator + 2]),
            superblockOptions: words.count > separator + 3 ? RawPath(Array(words[separator + 3])) : RawPath([]))
    }

    /// MAJOR:MINOR as stat(2) packs them, gnu_dev_makedev(3).
    private static func device(_ word: ArraySlice<UInt8>) -> UInt64? {
        let numbers = word.split(separator: UInt8(ascii: ":"))
        guard numbers.count == 2, let major = ByteScanner.decimal(numbers[0]),
            let minor = ByteScanner.decimal(numbers[1])
        else { return nil }
        return (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & 0xFFFF_FF00) << 12 | (major & 0xFFFF_F000) << 32
    }

    /// The kernel writes blank, tab, newline and backslash as `\` and three octal digits.
    fileprivate static func unescape(_ word: ArraySlice<UInt8>) -> RawPath {
        var bytes = [UInt8]()
        bytes.reserveCapacity(word.count)
        var rest = word
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
            {
                let value = digits.reduce(0) { $0 << 3 | UInt32($1 - UInt8(ascii: "0")) }
                bytes.append(UInt8(truncatingIfNeeded: value))
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return RawPath(bytes)
    }
}
