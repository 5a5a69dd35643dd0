import Fanotify
import Model
import Syscalls

/// The notification group, shared by the thread that reads it and those that mark and look.
final class GroupBox: Sendable {
    let group: NotificationGroup

    init(_ group: consuming NotificationGroup) {
        self.group = group
    }

    /// Reads once. Returns the byte count, 0 when the queue is empty.
    ///
    /// A failed read counts as an empty queue: nothing was taken out of it, and the next cycle tries again.
    func read(into buffer: inout ReadBuffer) -> Int {
        do throws(SyscallError) {
            switch try group.read(into: &buffer) {
            case .bytes(let count): return count
            case .wouldBlock, .bufferFull: return 0
            }
        } catch {
            return 0
        }
    }

    /// True when at least one record waits.
    var isReadable: Bool {
        var set = PollSet(reading: [group.fileDescriptor])
        return (try? set.wait(timeoutNanoseconds: 0)) != 0
    }
}
