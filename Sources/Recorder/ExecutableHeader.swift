/// What the first page of an executable file tells of the program the kernel opens to run it.
///
/// Source: execve(2) "Interpreter scripts", elf(5) `PT_INTERP`. Every offset comes from a file that anybody may have
/// written: out of range simply means "no interpreter".
enum ExecutableHeader: Equatable {
    /// An ELF image that is started by its program interpreter (`ld.so`).
    case elf(interpreter: [UInt8])
    /// A script that begins with `#!`.
    case script(interpreter: [UInt8])
    /// An ELF image without an interpreter, or one whose headers lie elsewhere.
    case program
    case other

    /// How much of the file is looked at; the kernel itself reads 256 bytes of a script and one page of ELF headers.
    static let byteCount = 4_096

    init(_ bytes: [UInt8]) {
        if bytes.starts(with: [0x23, 0x21]) {
            self = Self.script(bytes)
        } else if bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]), bytes.count >= 64, bytes[5] == 1 {
            let interpreter = Self.elf(bytes, is64Bit: bytes[4] == 2)
            self = interpreter == .other ? .program : interpreter
        } else if bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
            self = .program
        } else {
            self = .other
        }
    }

    private static func script(_ bytes: [UInt8]) -> ExecutableHeader {
        let blanks: [UInt8] = [0x20, 0x09]
        let line = bytes.prefix(256).dropFirst(2).prefix { $0 != 0x0A }
        let interpreter = line.drop { blanks.contains($0) }.prefix { !blanks.contains($0) && $0 != 0 }
        return interpreter.isEmpty ? .other : .script(interpreter: Array(interpreter))
    }

    private static func elf(_ bytes: [UInt8], is64Bit: Bool) -> ExecutableHeader {
        let tableOffset = integer(bytes, at: is64Bit ? 32 : 28, byteCount: is64Bit ? 8 : 4)
        let entryByteCount = integer(bytes, at: is64Bit ? 54 : 42, byteCount: 2)
        let entryCount = integer(bytes, at: is64Bit ? 56 : 44, byteCount: 2)
        guard let tableOffset, let entryByteCount, let entryCount, entryByteCount >= 32 else { return .other }
        for entry in 0..<min(entryCount, 128) {
            let start = tableOffset.addingReportingOverflow(entry &* entryByteCount)
            guard !start.overflow, start.partialValue < UInt64(bytes.count) else { return .other }
            let offset = Int(start.partialValue)
            let interpreterSegment: UInt64 = 3
            guard integer(bytes, at: offset, byteCount: 4) == interpreterSegment else { continue }
            let fileOffset = integer(bytes, at: offset + (is64Bit ? 8 : 4), byteCount: is64Bit ? 8 : 4)
            let fileByteCount = integer(bytes, at: offset + (is64Bit ? 32 : 16), byteCount: is64Bit ? 8 : 4)
            guard let fileOffset, let fileByteCount, fileOffset < UInt64(bytes.count), fileByteCount > 1,
                fileByteCount <= UInt64(bytes.count) - fileOffset
            else { return .other }
            let path = bytes[Int(fileOffset)..<Int(fileOffset + fileByteCount)].prefix { $0 != 0 }
            return path.isEmpty ? .other : .elf(interpreter: Array(path))
        }
        return .other
    }

    /// A little-endian number, nil where it does not lie inside the bytes.
    private static func integer(_ bytes: [UInt8], at offset: Int, byteCount: Int) -> UInt64? {
        guard offset >= 0, offset <= bytes.count - byteCount else { return nil }
        var value: UInt64 = 0
        for index in (0..<byteCount).reversed() {
            value = value << 8 | UInt64(bytes[offset + index])
        }
        return value
    }
}
