internal import Glibc
package import Model

/// Makes a system call again for as long as a signal interrupts it.
///
/// Shape: the call's result, or the error number negated, as the kernel itself returns it. For calls whose failure is
/// an ordinary answer (ENOENT, EAGAIN, ESTALE); `orThrow` is for the others.
/// Thread: `errno` is read right after the call; nothing may run between.
@inline(__always)
package func retryingOnInterrupt<Value: FixedWidthInteger & SignedInteger>(_ call: () -> Value) -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let number = Glibc.errno
        if number != EINTR { return Value(truncatingIfNeeded: -number) }
    }
}

/// The same for calls that count bytes: without generics, for the read of every cycle comes through here.
package func retryingOnInterrupt(_ call: () -> Int) -> Int {
    while true {
        let value = call()
        if value != -1 { return value }
        let number = Glibc.errno
        if number != EINTR { return -Int(number) }
    }
}

/// Makes a system call, again while interrupted, and turns failure into an error.
///
/// Throws: `SyscallError` with the call's name, the error number and the subject.
@discardableResult
package func orThrow<Value: FixedWidthInteger & SignedInteger>(
    _ name: StaticString, _ subject: RawPath? = nil, _ call: () -> Value
) throws(SyscallError) -> Value {
    let value = retryingOnInterrupt(call)
    if value < 0 { throw SyscallError(call: "\(name)", errno: Int32(truncatingIfNeeded: -value), subject: subject) }
    return value
}

extension RawPath {
    /// Lends the path as a C string. No path the kernel or a command line gives holds a NUL; one that did would end there.
    ///
    /// Cost: one allocation.
    package func withCString<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        var terminated = [CChar]()
        terminated.reserveCapacity(bytes.count + 1)
        for byte in bytes { terminated.append(CChar(bitPattern: byte)) }
        terminated.append(0)
        // SAFETY: the array ends in NUL, so its buffer is never empty and the pointer is a valid C string for the call.
        return unsafe terminated.withUnsafeBufferPointer { buffer in
            unsafe body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }
}
