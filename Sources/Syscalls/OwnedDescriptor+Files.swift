internal import CLinux
internal import Glibc
package import Model

extension OwnedDescriptor {
    /// Opens a file; O_CLOEXEC is always added. open(2).
    ///
    /// Parameter mode: permission bits of a file that is made, before the umask.
    package static func open(_ path: RawPath, flags: Int32, mode: UInt32 = 0o640) throws(SyscallError)
        -> OwnedDescriptor
    {
        let number = try orThrow("open", path) { () -> Int32 in
            // SAFETY: the path is a C string for the length of the call, which only reads it.
            unsafe path.withCString { unsafe Glibc.open($0, flags | O_CLOEXEC, mode) }
        }
        return OwnedDescriptor(takingOver: number)
    }

    /// Opens a file below this directory, or `name` itself where it is absolute. openat(2).
    package borrowing func open(_ name: RawPath, flags: Int32, mode: UInt32 = 0o640) throws(SyscallError)
        -> OwnedDescriptor
    {
        let directory = fileDescriptor
        let number = try orThrow("openat", name) { () -> Int32 in
            // SAFETY: the name is a C string for the length of the call, which only reads it.
            unsafe name.withCString { unsafe openat(directory, $0, flags | O_CLOEXEC, mode) }
        }
        return OwnedDescriptor(takingOver: number)
    }

    /// Reads what is at hand, up to `count` bytes, behind what `bytes` holds. read(2).
    ///
    /// Returns: how many bytes were appended, 0 at the end, nil where a non-blocking descriptor has none (EAGAIN).
    package borrowing func read(upTo count: Int, appendingTo bytes: inout [UInt8]) throws(SyscallError) -> Int? {
        let number = fileDescriptor
        // SAFETY: read(2) writes at most the count of the memory lent to it.
        let result = unsafe append(upTo: count, to: &bytes) { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
        if result == -Int(EAGAIN) { return nil }
        if result < 0 { throw SyscallError(call: "read", errno: Int32(truncatingIfNeeded: -result)) }
        return result
    }

    /// Reads up to `count` bytes at `offset`, behind what `bytes` holds. pread(2).
    ///
    /// Returns: how many bytes were appended; fewer than asked at the end of the file.
    @discardableResult
    package borrowing func read(upTo count: Int, at offset: Int64, appendingTo bytes: inout [UInt8])
        throws(SyscallError) -> Int
    {
        let number = fileDescriptor
        var total = 0
        while total < count {
            let position = offset + Int64(total)
            // SAFETY: pread(2) writes at most the count of the memory lent to it.
            let result = unsafe append(upTo: count - total, to: &bytes) {
                unsafe pread(number, $0.baseAddress, $0.count, off_t(position))
            }
            if result < 0 { throw SyscallError(call: "pread", errno: Int32(truncatingIfNeeded: -result)) }
            if result == 0 { break }
            total += result
        }
        return total
    }

    /// A file without a name on the filesystem of `directory`, for reading and writing; it goes with its descriptor.
    ///
    /// Throws: EOPNOTSUPP, EISDIR where the filesystem has none. open(2) O_TMPFILE, Linux 3.11.
    package static func unnamedFile(in directory: RawPath) throws(SyscallError) -> OwnedDescriptor {
        // <fcntl.h> defines it as __O_TMPFILE | O_DIRECTORY, which is not imported.
        try open(directory, flags: O_RDWR | 0o20_000_000 | O_DIRECTORY, mode: 0o600)
    }

    /// Reads to the end, at most `limit` bytes. For small files and pipes.
    package borrowing func readToEnd(limit: Int) throws(SyscallError) -> [UInt8] {
        var bytes = [UInt8]()
        while bytes.count < limit {
            guard let count = try read(upTo: min(65_536, limit - bytes.count), appendingTo: &bytes), count > 0 else {
                break
            }
        }
        return bytes
    }

    /// Writes all of `bytes`, however many calls it takes. write(2).
    package borrowing func write(_ bytes: [UInt8]) throws(SyscallError) {
        let number = fileDescriptor
        // SAFETY: write(2) reads at most the count of the memory lent to it.
        try unsafe writeAll(bytes, "write") { memory, _ in unsafe Glibc.write(number, memory.baseAddress, memory.count)
        }
    }

    /// Writes all of `bytes` at `offset`. pwrite(2).
    package borrowing func write(_ bytes: [UInt8], at offset: Int64) throws(SyscallError) {
        let number = fileDescriptor
        // SAFETY: pwrite(2) reads at most the count of the memory lent to it.
        try unsafe writeAll(bytes, "pwrite") { memory, done in
            unsafe pwrite(number, memory.baseAddress, memory.count, off_t(offset + Int64(done)))
        }
    }

    /// ftruncate(2)
    package borrowing func truncate(to byteCount: Int64) throws(SyscallError) {
        let number = fileDescriptor
        try orThrow("ftruncate") { () -> Int32 in ftruncate(number, off_t(byteCount)) }
    }

    /// Waits until the file's data, and what is needed to find it, is on the device. fdatasync(2).
    package borrowing func syncData() throws(SyscallError) {
        let number = fileDescriptor
        try orThrow("fdatasync") { () -> Int32 in fdatasync(number) }
    }

    /// Has the kernel begin to write the file's changed pages to the device, without waiting for them. A hint: what fails shows
    /// when somebody waits. sync_file_range(2).
    package borrowing func beginWritingBack() {
        _ = clinux_begin_writing_back(fileDescriptor)
    }

    /// Waits until the file or directory is on the device. fsync(2).
    package borrowing func sync() throws(SyscallError) {
        let number = fileDescriptor
        try orThrow("fsync") { () -> Int32 in fsync(number) }
    }

    /// Takes the write lock of the open file description on the whole file without waiting. fcntl(2), F_OFD_SETLK.
    ///
    /// Only who may write the file can take it, so no reader can keep a writer out, as one could with flock(2).
    /// Returns: false where another open file description holds it. The lock ends when the last duplicate is closed.
    package borrowing func tryLockExclusively() throws(SyscallError) -> Bool {
        let number = fileDescriptor
        switch retryingOnInterrupt({ clinux_try_write_lock(number) }) {
        case 0: return true
        case -EAGAIN, -EACCES: return false
        case let result: throw SyscallError(call: "fcntl", errno: -result)
        }
    }

    /// The process that holds a POSIX lock on one of the bytes; nil where none does, 0 where it has no number here.
    /// fcntl(2), F_GETLK: nothing is locked.
    package borrowing func lockHolder(of bytes: Range<Int64>) throws(SyscallError) -> Int32? {
        let number = fileDescriptor
        var pid: Int32 = 0
        // SAFETY: the C function writes the variable lent to it.
        let result = try orThrow("fcntl") { () -> Int32 in
            unsafe clinux_lock_holder(number, bytes.lowerBound, Int64(bytes.count), &pid)
        }
        return result == 0 ? nil : max(0, pid)
    }

    /// Lends memory behind `bytes` to `fill` and keeps what it says it wrote there.
    private borrowing func append(
        upTo count: Int, to bytes: inout [UInt8], _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Int
    ) -> Int {
        var result = 0
        bytes.append(addingCapacity: count) { output in
            // SAFETY: `fill` returns how many bytes at the start of the memory it has written, or a negative number.
            unsafe output.withUnsafeMutableBufferPointer { memory, initialized in
                let room = unsafe UnsafeMutableBufferPointer(rebasing: memory[0..<min(count, memory.count)])
                result = retryingOnInterrupt { unsafe fill(room) }
                initialized = max(0, result)
            }
        }
        return result
    }

    private borrowing func writeAll(
        _ bytes: [UInt8], _ name: StaticString, _ call: (UnsafeRawBufferPointer, Int) -> Int
    ) throws(SyscallError) {
        var done = 0
        while done < bytes.count {
            // SAFETY: the memory is lent for the call, which only reads it.
            done += try orThrow(name) { () -> Int in
                unsafe bytes.withUnsafeBytes { unsafe call(UnsafeRawBufferPointer(rebasing: $0[done...]), done) }
            }
        }
    }
}
