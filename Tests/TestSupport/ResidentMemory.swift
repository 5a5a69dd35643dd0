internal import Glibc
internal import Model
package import Syscalls

/// The memory of this process as the kernel counts it; for a process of its own, such as that of an exit test.
package enum ResidentMemory {
    /// Forgets the peak so far and returns what there is now, in bytes. Freed memory is given back first, and large arrays
    /// are from now on when they are freed, as in the recorder. proc(5), /proc/PID/clear_refs.
    package static func beginPeak() throws(SyscallError) -> Int {
        HeapPolicy.giveLargeMemoryBack()
        HeapPolicy.giveFreedMemoryBack()
        let file = try OwnedDescriptor.open(RawPath("/proc/self/clear_refs"), flags: O_WRONLY)
        try file.write(Array("5".utf8))
        return try byteCount("VmRSS:")
    }

    /// The most since `beginPeak`, in bytes.
    package static func peakByteCount() throws(SyscallError) -> Int { try byteCount("VmHWM:") }

    private static func byteCount(_ name: String) throws(SyscallError) -> Int {
        let status = String(decoding: try Files.contents(of: RawPath("/proc/self/status")), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        let number = line.dropFirst(name.count).prefix { $0 != "k" }.filter(\.isNumber)
        return (Int(number) ?? 0) << 10
    }
}
