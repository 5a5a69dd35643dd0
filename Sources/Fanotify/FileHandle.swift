internal import CLinux
package import Model

/// A file handle with its filesystem, small enough to be a key: 32 bytes, no allocation.
///
/// Shape: handles of up to 20 bytes (ext4 8, xfs and tmpfs 12, btrfs 20) are held whole. Of longer ones, which only
/// filesystems report whose handles cannot be opened anyway (overlayfs), a 128-bit hash is held instead; equality
/// then errs once in 2^64 such handles. The last word holds the type and the count above the last four bytes.
/// Source: name_to_handle_at(2), `struct file_handle`.
@usableFromInline
package struct FileHandle: Hashable, Sendable {
    @usableFromInline let filesystemBits: UInt64
    @usableFromInline let word0: UInt64
    @usableFromInline let word1: UInt64
    @usableFromInline let word2: UInt64

    package static let inlineByteCount = 20

    /// Written out to be inlined into the tables of other rooms: it is asked for every record.
    @inlinable
    package static func == (left: FileHandle, right: FileHandle) -> Bool {
        left.word0 == right.word0 && left.word1 == right.word1 && left.word2 == right.word2
            && left.filesystemBits == right.filesystemBits
    }

    /// Copies the handle a record points to.
    ///
    /// Parameter bytes: the buffer the record was read from; the view must be of it (traps outside its bounds).
    @inlinable
    package init(_ view: HandleView, in bytes: RawSpan) {
        self.init(
            filesystemBits: view.filesystemBits, type: view.type, bytes: bytes, offset: Int(view.bytes.offset),
            count: Int(view.bytes.byteCount))
    }

    @inlinable
    init(filesystemBits: UInt64, type: Int32, bytes: RawSpan, offset: Int, count: Int) {
        switch count {
        case 8:
            self.init(
                filesystemBits: filesystemBits, type: type, count: count,
                words: (bytes.load(at: offset, as: UInt64.self), 0, 0))
        case 12:
            self.init(
                filesystemBits: filesystemBits, type: type, count: count,
                words: (
                    bytes.load(at: offset, as: UInt64.self), UInt64(bytes.load(at: offset &+ 8, as: UInt32.self)), 0
                ))
        default:
            self.init(
                filesystemBits: filesystemBits, type: type, count: count,
                words: Self.words(of: bytes, offset: offset, count: count))
        }
    }

    /// Types are 8 bits today and counts at most 128. A type or count that does not fit is cut off: two handles that
    /// differ only there, which no kernel makes, are taken for one.
    @inlinable
    init(filesystemBits: UInt64, type: Int32, count: Int, words: (UInt64, UInt64, UInt32)) {
        self.filesystemBits = filesystemBits
        word0 = words.0
        word1 = words.1
        let kind = UInt64(UInt16(truncatingIfNeeded: type)) &<< 32 | UInt64(UInt8(clamping: count)) &<< 48
        word2 = UInt64(words.2) | kind
    }

    /// The bytes of a handle of any length as words, or the hash that stands for them.
    @usableFromInline
    static func words(of bytes: RawSpan, offset: Int, count: Int) -> (UInt64, UInt64, UInt32) {
        if count == inlineByteCount {
            return (
                bytes.load(at: offset, as: UInt64.self), bytes.load(at: offset &+ 8, as: UInt64.self),
                bytes.load(at: offset &+ 16, as: UInt32.self)
            )
        }
        guard count < inlineByteCount else {
            let digest = HandleDigest.digest(bytes, offset: offset, count: count)
            return (digest.0, digest.1, 0)
        }
        var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
        for index in 0..<count {
            let byte = bytes.load(at: offset &+ index, as: UInt8.self)
            switch index {
            case 0..<8: words.0 |= UInt64(byte) &<< UInt64(index &* 8)
            case 8..<16: words.1 |= UInt64(byte) &<< UInt64((index &- 8) &* 8)
            default: words.2 |= UInt32(byte) &<< UInt32((index &- 16) &* 8)
            }
        }
        return words
    }

    package var filesystem: FilesystemID { FilesystemID(rawValue: filesystemBits) }

    /// `handle_type`, its low 16 bits.
    package var type: Int32 { Int32(UInt16(truncatingIfNeeded: word2 &>> 32)) }

    /// Bytes of the handle itself; above `inlineByteCount` only their hash is held.
    package var byteCount: Int { Int(UInt8(truncatingIfNeeded: word2 &>> 48)) }

    /// Whether the handle's own bytes are held, so that it can be opened.
    package var isWhole: Bool { byteCount <= Self.inlineByteCount }

    /// A good 64-bit hash for open addressing, keyed with `seed`.
    @inlinable
    package func hashValue(seed: UInt64) -> UInt64 {
        // Two multiplications folded, as wyhash does; the seed keeps a hostile choice of inodes from colliding.
        let low = (word0 ^ seed).multipliedFullWidth(by: word1 ^ 0x9E37_79B9_7F4A_7C15)
        let high = (word2 ^ low.high).multipliedFullWidth(by: filesystemBits ^ low.low ^ 0xD6E8_FEB8_6659_FD93)
        return high.high ^ high.low
    }

    /// The file this handle stands for, by the layouts of the filesystems that can be marked; nil for the empty handle
    /// of an FS_ERROR record that names no file.
    ///
    /// Shape: type 1 is inode and generation (ext4: 4 + 4 bytes; tmpfs: generation, then the inode's halves, 4 each);
    /// 0x81 is inode 8 bytes and generation 4 (xfs), or the node's upper and lower half and generation, 4 each (FUSE,
    /// which is known by its filesystem id, 0); 0x4D to 0x4F object 8, root 8, generation 4 (btrfs). Of any other the
    /// identity is a hash, with `root` = `FileIdentity.opaqueRoot`.
    /// Source: `ext4_fh_to_dentry` by `generic_encode_ino32_fh`, `shmem_encode_fh`, `xfs_fs_encode_fh`, `fuse_encode_fh`,
    /// `btrfs_encode_fh`.
    package var identity: FileIdentity? {
        switch (type, byteCount) {
        case (_, 0):
            return nil
        case (1, 8):
            return FileIdentity(
                filesystem: filesystem, inode: word0 & 0xFFFF_FFFF,
                generation: UInt8(truncatingIfNeeded: word0 &>> 32))
        case (1, 12):
            let inode = word0 &>> 32 | word1 &<< 32
            return FileIdentity(
                filesystem: filesystem, inode: inode, generation: UInt8(truncatingIfNeeded: word0))
        case (0x81, 12):
            let inode = filesystem.rawValue == 0 ? word0 &>> 32 | word0 &<< 32 : word0
            return FileIdentity(
                filesystem: filesystem, inode: inode, generation: UInt8(truncatingIfNeeded: word1))
        case (0x4D, 20):
            return FileIdentity(
                filesystem: filesystem, inode: word0, root: word1, generation: UInt8(truncatingIfNeeded: word2))
        default:
            return FileIdentity(
                filesystem: filesystem, inode: HandleDigest.identity(word0, word1, word2),
                root: FileIdentity.opaqueRoot, generation: 0)
        }
    }

    /// Lends type and bytes as the kernel's structure; nil where only a hash is held.
    func withKernelHandle<Value>(_ body: (Int32, UnsafeRawPointer, UInt32) -> Value) -> Value? {
        guard isWhole else { return nil }
        let words: InlineArray<3, UInt64> = [word0.littleEndian, word1.littleEndian, word2.littleEndian]
        let count = UInt32(byteCount)
        // SAFETY: 24 bytes are lent for the call and `count` is at most 20.
        return unsafe words.span.withUnsafeBytes { unsafe body(type, $0.baseAddress.unsafelyUnwrapped, count) }
    }
}
