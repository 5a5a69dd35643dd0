internal import CLinux
package import Model

/// A file handle with its filesystem, small enough to be a key: 32 bytes, no allocation.
///
/// Shape: handles of up to 20 bytes (ext4 8, xfs and tmpfs 12, btrfs 20) are held whole. Of longer ones, which only
/// filesystems report whose handles cannot be opened anyway (overlayfs), a 128-bit hash is held instead; equality
/// then errs once in 2^64 such handles. The last word holds the type and the count above the last four bytes.
/// Source: name_to_handle_at(2), `struct file_handle`.
package struct FileHandle: Hashable, Sendable {
    package let filesystem: FilesystemID
    @usableFromInline let word0: UInt64
    @usableFromInline let word1: UInt64
    @usableFromInline let word2: UInt64

    package static let inlineByteCount = 20

    /// Written out to be inlined into the tables of other rooms: it is asked for every record.
    @inlinable
    package static func == (left: FileHandle, right: FileHandle) -> Bool {
        left.word0 == right.word0 && left.word1 == right.word1 && left.word2 == right.word2
            && left.filesystem.rawValue == right.filesystem.rawValue
    }

    /// Copies the handle a record points to.
    ///
    /// Parameter bytes: the buffer the record was read from; the view must be of it (traps outside its bounds).
    package init(_ view: HandleView, in bytes: RawSpan) {
        self.init(
            filesystem: view.filesystem, type: view.type, bytes: bytes, offset: Int(view.bytes.offset),
            count: Int(view.bytes.byteCount))
    }

    @inline(__always)
    init(filesystem: FilesystemID, type: Int32, bytes: RawSpan, offset: Int, count: Int) {
        self.filesystem = filesystem
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt32 = 0
        switch count {
        case 8:
            first = bytes.load(at: offset, as: UInt64.self)
        case 12:
            first = bytes.load(at: offset, as: UInt64.self)
            second = UInt64(bytes.load(at: offset &+ 8, as: UInt32.self))
        case 20:
            first = bytes.load(at: offset, as: UInt64.self)
            second = bytes.load(at: offset &+ 8, as: UInt64.self)
            third = bytes.load(at: offset &+ 16, as: UInt32.self)
        case 0...20:
            for index in 0..<count {
                let byte = bytes.load(at: offset &+ index, as: UInt8.self)
                switch index {
                case 0..<8: first |= UInt64(byte) &<< UInt64(index &* 8)
                case 8..<16: second |= UInt64(byte) &<< UInt64((index &- 8) &* 8)
                default: third |= UInt32(byte) &<< UInt32((index &- 16) &* 8)
                }
            }
        default:
            (first, second) = HandleDigest.digest(bytes, offset: offset, count: count)
        }
        word0 = first
        word1 = second
        // Types are 8 bits today and counts at most 128; what does not fit is a different handle only if also the
        // rest differs, so a hostile type cannot make two handles of one filesystem equal that the kernel made.
        let kind = UInt64(UInt16(truncatingIfNeeded: type)) &<< 32 | UInt64(UInt8(clamping: count)) &<< 48
        word2 = UInt64(third) | kind
    }

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
        let high = (word2 ^ low.high).multipliedFullWidth(by: filesystem.rawValue ^ low.low ^ 0xD6E8_FEB8_6659_FD93)
        return high.high ^ high.low
    }

    /// The file this handle stands for, by the layouts of the filesystems that can be marked; nil for the empty handle
    /// of an FS_ERROR record that names no file.
    ///
    /// Shape: type 1 is inode and generation (ext4: 4 + 4 bytes; tmpfs: generation, then the inode's halves, 4 each);
    /// 0x81 is inode 8 bytes and generation 4 (xfs); 0x4D to 0x4F object 8, root 8, generation 4 (btrfs). Of any other
    /// the identity is a hash, with `root` = `FileIdentity.opaqueRoot`.
    /// Source: `ext4_fh_to_dentry` by `generic_encode_ino32_fh`, `shmem_encode_fh`, `xfs_fs_encode_fh`, `btrfs_encode_fh`.
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
            return FileIdentity(
                filesystem: filesystem, inode: word0, generation: UInt8(truncatingIfNeeded: word1))
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
