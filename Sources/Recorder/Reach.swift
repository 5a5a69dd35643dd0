import Fanotify
import Glibc
import Model
import Syscalls

/// How far the recorder's privileges reach, decided when the notification group is made.
struct Reach: Sendable {
    /// Filesystem marks may be set; else each directory gets its own.
    var marksFilesystems: Bool
    /// Records carry the pid of whoever did it.
    var tellsProcesses: Bool

    /// What a group needs that sees everything. Without CAP_SYS_ADMIN, in the namespace that the kernel asks for, EPERM.
    private static func options(_ queue: QueueChoice) -> NotificationGroup.Options {
        var options: NotificationGroup.Options = [.directoryNamesAndTargets, .unlimitedMarks]
        if queue.isUnlimited { options.insert(.unlimitedQueue) }
        return options
    }

    /// Makes the notification group; nothing is marked yet. `queue` becomes what is used.
    ///
    /// Linux ≥ 5.13 lets everybody make a group that takes marks on single files and directories and tells no pids. It is
    /// used for PATH where nothing better may be had, and is not, where the program was given file capabilities that have
    /// no effect: whoever gave them expects more.
    /// Parameter plan: of what is to be recorded.
    /// Throws: `.noPrivilege` where the kernel refuses it.
    static func makeGroup(
        _ scope: RecorderOptions.Scope, _ plan: MarkPlan, _ queue: inout QueueChoice
    ) throws(RecorderError) -> (group: GroupBox, reach: Reach) {
        do throws(SyscallError) {
            let group = try NotificationGroup(options(queue))
            return (GroupBox(group), Reach(marksFilesystems: scope != .directories, tellsProcesses: true))
        } catch {
            guard error.errno == EPERM else { throw RecorderError(.unavailable, error.description) }
            guard plan.isRestricted, scope == .directories || !RecorderPrivileges.hasCapabilitiesWithoutEffect else {
                throw RecorderPrivileges.missing(for: error, mayDoWithout: plan.isRestricted)
            }
        }
        do throws(SyscallError) {
            queue = .withoutPrivilege
            let group = try NotificationGroup(.directoryNamesAndTargets)
            return (GroupBox(group), Reach(marksFilesystems: false, tellsProcesses: false))
        } catch {
            // A seccomp filter, as in most containers, or a kernel from before.
            if error.errno == EPERM { throw RecorderPrivileges.missing(for: error) }
            throw RecorderError(.unavailable, error.description)
        }
    }
}
