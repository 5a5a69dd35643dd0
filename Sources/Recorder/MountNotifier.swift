import CLinux
import Fanotify
import Glibc
import Model
import Syscalls

/// Tells at once that a mount of this namespace came or went.
///
/// Source: FAN_REPORT_MNT, fanotify_init(2), Linux ≥ 6.14, which needs CAP_SYS_ADMIN over the mount namespace when it is
/// made; else mountinfo, whose descriptor shows an error condition after each change, proc(5), which anybody may open.
struct MountNotifier: ~Copyable, Sendable {
    private enum Source: ~Copyable, Sendable {
        case group(NotificationGroup)
        case table(OwnedDescriptor)
    }

    private let source: Source
    /// What the notices of the group are read into, to be forgotten.
    private var notices: ReadBuffer

    /// Parameter usesTable: leaves out the kernel's own notices where it has them, for tests.
    init(usesTable: Bool = false) throws(SyscallError) {
        let notices = try ReadBuffer(capacity: ReadBuffer.minimumCapacity)
        source = try Self.makeSource(usesTable: usesTable)
        self.notices = notices
    }

    private static func makeSource(usesTable: Bool) throws(SyscallError) -> Source {
        if !usesTable, let group = try? makeGroup() { return .group(group) }
        return .table(try OwnedDescriptor.open(RawPath("/proc/self/mountinfo"), flags: O_RDONLY))
    }

    private static func makeGroup() throws(SyscallError) -> NotificationGroup {
        let group = try NotificationGroup(.reportMount)
        let namespace = try OwnedDescriptor.open(RawPath("/proc/self/ns/mnt"), flags: O_RDONLY)
        try group.addMark(.mountNamespace, mask: [.mountAttach, .mountDetach], on: namespace)
        return group
    }

    /// By which of the two it learns; for `status`.
    var name: String {
        switch source {
        case .group: "fanotify"
        case .table: "mountinfo"
        }
    }

    /// A set to wait with: the notices are at index 1, `waker` at index 0.
    func pollSet(with waker: Waker) -> PollSet {
        let other = waker.descriptor.fileDescriptor
        switch source {
        case .group(let group): return PollSet(reading: [other, group.fileDescriptor])
        case .table(let table): return PollSet(reading: [other], errorsOf: [table.fileDescriptor])
        }
    }

    /// Forgets the notices so far. What they are about is in the mount table, which is read after this.
    mutating func clear() {
        switch source {
        case .group(let group):
            while true {
                notices.removeAll()
                guard case .bytes(let count)? = try? group.read(into: &notices), count > 0 else { return }
            }
        case .table:
            // Looking at its descriptor has reset it already.
            return
        }
    }
}
