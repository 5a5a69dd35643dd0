import Fanotify
import Model
import Syscalls

/// The notification group, shared by the thread that reads it and those that mark and look.
final class GroupBox: Sendable {
    let group: NotificationGroup

    init(_ group: consuming NotificationGroup) {
        self.group = group
    }

    /// Reads once. Returns the byte count, 0 when the queue is empty, nil when the kernel refused (no memory).
    ///
    /// A refused reading took nothing out of the queue and says nothing about it: it must not count as an empty one.
    func read(into buffer: inout ReadBuffer) -> Int? {
        do throws(SyscallError) {
            switch try group.read(into: &buffer) {
            case .bytes(let count): return count
            case .wouldBlock, .bufferFull: return 0
            }
        } catch {
            return nil
        }
    }

    /// True when at least one record waits, or when the kernel does not say.
    var isReadable: Bool {
        PollSet.waitForOne(group.fileDescriptor, timeoutNanoseconds: 0) != 0
    }
}
