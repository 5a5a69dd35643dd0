import Model
import Syscalls

/// The capabilities the recorder works with: raised from what file capabilities or root permit, dropped when the marks
/// are set.
enum RecorderPrivileges {
    static let wanted: [Capability] = [.sysAdmin, .dacReadSearch, .sysPtrace]
    /// After the marks: resolving handles and naming other users' processes. A new mark would need `sysAdmin`.
    static let keptWhileRecording: [Capability] = [.dacReadSearch, .sysPtrace]

    /// Makes effective what is permitted. File capabilities are shipped as `+p`: with `e` set, one that is missing from
    /// the bounding set would keep the program from starting at all.
    static func raise() throws(RecorderError) {
        for capability in wanted where Capabilities.isPermitted(capability) && !Capabilities.isEffective(capability) {
            do throws(SyscallError) {
                try Capabilities.raise([capability])
            } catch {
                throw RecorderError(.noPrivilege, "\(capability.constantName) cannot be raised: \(error.description)")
            }
        }
    }

    /// Gives up what is not needed any more; threads made after it and their children's children never had it.
    ///
    /// A store that belongs to another user is written by root's right over other users' files, which cannot be kept
    /// alone; then everything stays, and the start line says so.
    static func drop(store: RawPath) throws(RecorderError) {
        do throws(SyscallError) {
            guard try store.status().uid == OwnProcess.effectiveUID else { return }
            try Capabilities.drop(allBut: keptWhileRecording)
        } catch {
            throw RecorderError(.noPrivilege, "privileges cannot be dropped: \(error.description)")
        }
    }

    /// What the start line says is held.
    static var held: String {
        let held = wanted.filter(Capabilities.isEffective).map(\.rawValue)
        return held.isEmpty ? "no capability" : held.joined(separator: ",")
    }

    /// The refusal of a call, in words that name the capability and the way to get it.
    static func missing(for error: SyscallError) -> RecorderError {
        let missing = wanted.filter { !Capabilities.isEffective($0) }
        let names = missing.isEmpty ? "CAP_SYS_ADMIN" : missing.map(\.constantName).joined(separator: ", ")
        let program = (try? Files.readLink(RawPath("/proc/self/exe")))?.lossyText ?? "/usr/sbin/varved"
        var message =
            "no privilege to record: \(error.call) was refused, missing \(names). Run as root, or once as root: "
            + "setcap \(Self.wanted.map(\.rawValue).joined(separator: ","))+p \(program)"
        if Capabilities.hasNoNewPrivileges {
            message += " (no_new_privs is set for this process: file capabilities have no effect)"
        } else if missing.contains(where: { !Capabilities.isInBoundingSet($0) }) {
            message += " (the bounding set of this process lacks it, as in a container without --cap-add)"
        }
        return RecorderError(.noPrivilege, message)
    }
}
