internal import CLinux

/// Both ends of a new pipe, closed on exec. pipe(2).
///
/// Take an end out (leaving nil) to close it by itself, or to hand it to another owner.
package struct Pipe: ~Copyable, Sendable {
    package var readEnd: OwnedDescriptor?
    package var writeEnd: OwnedDescriptor?

    package init() throws(SyscallError) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        // SAFETY: the C function writes the two variables lent to it.
        try orThrow("pipe2") { () -> Int32 in unsafe clinux_pipe(&reading, &writing) }
        readEnd = OwnedDescriptor(takingOver: reading)
        writeEnd = OwnedDescriptor(takingOver: writing)
    }
}
