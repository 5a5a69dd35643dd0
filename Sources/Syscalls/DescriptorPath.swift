internal import Glibc

/// Replaces `path` by what the link `/proc/self/fd/N` of an open descriptor says.
///
/// Shape: at most PATH_MAX bytes; exactly so many mean that it was cut off. `path` keeps its memory from call to call.
/// Throws: ENOENT where /proc is not mounted.
package func readDescriptorPath(_ descriptor: borrowing OwnedDescriptor, into path: inout [UInt8])
    throws(SyscallError)
{
    let count = readLink("/proc/self/fd/", descriptor.fileDescriptor, suffix: "", into: &path)
    if count < 0 { throw SyscallError(call: "readlink", errno: Int32(truncatingIfNeeded: -count)) }
}

/// Reads the symbolic link PREFIX NUMBER SUFFIX without building a String.
///
/// Returns: the count of bytes, which `path` then has, or the error number negated (`path` is then empty).
func readLink(_ prefix: StaticString, _ number: Int32, suffix: StaticString, into path: inout [UInt8]) -> Int {
    path.removeAll(keepingCapacity: true)
    var result = 0
    let name = ProcName(prefix, number, suffix)
    path.append(addingCapacity: Int(PATH_MAX)) { output in
        // SAFETY: the kernel reads the NUL-terminated name and writes at most the count of the memory lent to it; what
        // it wrote is what is declared as initialized.
        unsafe output.withUnsafeMutableBufferPointer { memory, initialized in
            result = unsafe name.withCString { name in
                retryingOnInterrupt {
                    unsafe readlink(name, UnsafeMutableRawPointer(memory.baseAddress.unsafelyUnwrapped), memory.count)
                }
            }
            initialized = max(0, result)
        }
    }
    return result
}

/// A short path in /proc, built in place: PREFIX, a decimal number, SUFFIX, NUL.
struct ProcName: ~Copyable {
    private var bytes = InlineArray<64, CChar>(repeating: 0)

    init(_ prefix: StaticString, _ number: Int32, _ suffix: StaticString) {
        precondition(prefix.utf8CodeUnitCount + suffix.utf8CodeUnitCount <= 48, "longer than any name in /proc we use")
        var count = 0
        // The digits of a 32-bit number and its sign need 11 places.
        Self.copy(prefix, into: &bytes, at: &count)
        var magnitude = number.magnitude
        if number < 0 {
            bytes[count] = CChar(bitPattern: UInt8(ascii: "-"))
            count += 1
        }
        let first = count
        repeat {
            bytes[count] = CChar(truncatingIfNeeded: magnitude % 10 + UInt32(UInt8(ascii: "0")))
            magnitude /= 10
            count += 1
        } while magnitude > 0
        var low = first
        var high = count - 1
        while low < high {
            bytes.swapAt(low, high)
            low += 1
            high -= 1
        }
        Self.copy(suffix, into: &bytes, at: &count)
    }

    borrowing func withCString<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        // SAFETY: the array is not empty and its last byte is always NUL.
        unsafe bytes.span.withUnsafeBufferPointer { unsafe body($0.baseAddress.unsafelyUnwrapped) }
    }

    private static func copy(_ text: StaticString, into bytes: inout InlineArray<64, CChar>, at count: inout Int) {
        text.withUTF8Buffer { buffer in
            // SAFETY: the indices are the buffer's own.
            for index in buffer.indices {
                bytes[count] = unsafe CChar(bitPattern: buffer[index])
                count += 1
            }
        }
    }
}
