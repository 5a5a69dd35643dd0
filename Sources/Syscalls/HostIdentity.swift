internal import CLinux
internal import Glibc
package import Model

/// What tells this machine and this boot from others.
package enum HostIdentity {
    /// The random number the kernel drew when it started, 16 bytes. /proc/sys/kernel/random/boot_id
    package static func bootID() throws(SyscallError) -> [UInt8] {
        try read(RawPath("/proc/sys/kernel/random/boot_id"))
    }

    /// The number of this installation, 16 bytes, nil where it has none (some containers). machine-id(5)
    package static func machineID() -> [UInt8]? {
        try? read(RawPath("/etc/machine-id"))
    }

    /// 16 random bytes as a version 4 UUID, getrandom(2).
    package static func randomUUID() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes
    }

    /// gethostname(2), at most 64 bytes.
    package static func hostName() -> RawPath {
        let capacity = 65
        var buffer = [CChar](repeating: 0, count: capacity)
        // SAFETY: at most `capacity` bytes are written to the array lent to it.
        guard unsafe gethostname(&buffer, capacity) == 0 else { return RawPath([]) }
        return RawPath(buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)))
    }

    private static func read(_ path: RawPath) throws(SyscallError) -> [UInt8] {
        guard let bytes = parse(try Files.contents(of: path, limit: 256)) else {
            throw SyscallError(call: "read", errno: EINVAL, subject: path)
        }
        return bytes
    }

    /// 32 hexadecimal digits, with or without hyphens.
    static func parse(_ text: [UInt8]) -> [UInt8]? {
        let digits = text.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "\n") }
        guard digits.count == 32 else { return nil }
        let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard values.count == 32 else { return nil }
        return stride(from: 0, to: 32, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
