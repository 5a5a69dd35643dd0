internal import CCapability
internal import CLinux
internal import Glibc

/// A privilege of the kernel that the recorder can use, capabilities(7).
package enum Capability: String, Sendable {
    /// Notification groups without limits, marks on filesystems and mounts.
    case sysAdmin = "cap_sys_admin"
    /// Resolving file handles, entering every directory.
    case dacReadSearch = "cap_dac_read_search"
    /// The programs of other users' processes in /proc.
    case sysPtrace = "cap_sys_ptrace"
    /// The process connector before Linux 6.6, and a larger buffer for its messages.
    case netAdmin = "cap_net_admin"

    /// What recording everything takes on every kernel.
    package static let needed: [Capability] = [.sysAdmin, .dacReadSearch, .sysPtrace]

    /// As error lines and man pages spell it.
    package var constantName: String { rawValue.uppercased() }

    var number: cap_value_t {
        switch self {
        case .sysAdmin: CAP_SYS_ADMIN
        case .dacReadSearch: CAP_DAC_READ_SEARCH
        case .sysPtrace: CAP_SYS_PTRACE
        case .netAdmin: CAP_NET_ADMIN
        }
    }
}

/// The capability sets of the calling thread; threads made later inherit them.
///
/// Thread: change them on the first thread before any other is made, for each thread has its own.
/// Source: libcap, cap_get_proc(3).
package enum Capabilities {
    package static func isPermitted(_ capability: Capability) -> Bool { has(capability, CAP_PERMITTED) }

    package static func isEffective(_ capability: Capability) -> Bool { has(capability, CAP_EFFECTIVE) }

    /// Whether a program this process starts could have it; nothing gives it back once it is gone. cap_get_bound(3).
    package static func isInBoundingSet(_ capability: Capability) -> Bool { cap_get_bound(capability.number) > 0 }

    /// Makes permitted capabilities effective.
    ///
    /// Throws: EPERM where one of them is not permitted; then none is raised.
    package static func raise(_ capabilities: [Capability]) throws(SyscallError) {
        // SAFETY: the set is valid and the numbers are lent for the call, which only reads them.
        try unsafe change { set in
            let numbers = capabilities.map(\.number)
            return unsafe cap_set_flag(set, CAP_EFFECTIVE, Int32(numbers.count), numbers, CAP_SET)
        }
    }

    /// Makes capabilities ineffective in the calling thread; they stay permitted and can be raised again.
    package static func lower(_ capabilities: [Capability]) throws(SyscallError) {
        // SAFETY: the set is valid and the numbers are lent for the call, which only reads them.
        try unsafe change { set in
            let numbers = capabilities.map(\.number)
            return unsafe cap_set_flag(set, CAP_EFFECTIVE, Int32(numbers.count), numbers, CAP_CLEAR)
        }
    }

    /// Whether this program was given more than the user who started it has: by file capabilities or set-user-id.
    /// getauxval(3) AT_SECURE.
    package static var isSecureExecution: Bool { getauxval(UInt(AT_SECURE)) != 0 }

    /// Gives up every capability but these (also of root), for good: permitted, effective and inheritable.
    package static func drop(allBut kept: [Capability]) throws(SyscallError) {
        let permitted = kept.filter(isPermitted)
        let effective = kept.filter(isEffective)
        // SAFETY: the set is valid and the numbers are lent for the calls, which only read them.
        try unsafe change { set in
            guard unsafe cap_clear(set) == 0 else { return -1 }
            let permittedNumbers = permitted.map(\.number)
            let effectiveNumbers = effective.map(\.number)
            if !permittedNumbers.isEmpty {
                let result = unsafe cap_set_flag(
                    set, CAP_PERMITTED, Int32(permittedNumbers.count), permittedNumbers, CAP_SET)
                guard result == 0 else { return -1 }
            }
            if effectiveNumbers.isEmpty { return 0 }
            return unsafe cap_set_flag(set, CAP_EFFECTIVE, Int32(effectiveNumbers.count), effectiveNumbers, CAP_SET)
        }
    }

    /// From now on no program this thread or its children start can gain privileges. prctl(2) PR_SET_NO_NEW_PRIVS.
    package static func setNoNewPrivileges() throws(SyscallError) {
        try orThrow("prctl") { () -> Int32 in clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0) }
    }

    /// Whether programs this process starts cannot gain privileges: then file capabilities are silently ignored.
    package static var hasNoNewPrivileges: Bool { clinux_prctl(PR_GET_NO_NEW_PRIVS, 0, 0) == 1 }

    private static func has(_ capability: Capability, _ flag: cap_flag_t) -> Bool {
        // SAFETY: the set belongs to this call and is freed at its end.
        guard let set = unsafe cap_get_proc() else { return false }
        defer { _ = unsafe cap_free(UnsafeMutableRawPointer(set)) }
        var value = CAP_CLEAR
        return unsafe cap_get_flag(set, capability.number, flag, &value) == 0 && value == CAP_SET
    }

    private static func change(_ body: (cap_t) -> Int32) throws(SyscallError) {
        // SAFETY: the set belongs to this call and is freed at its end.
        guard let set = unsafe cap_get_proc() else { throw SyscallError(call: "cap_get_proc", errno: Glibc.errno) }
        defer { _ = unsafe cap_free(UnsafeMutableRawPointer(set)) }
        guard unsafe body(set) == 0 else { throw SyscallError(call: "cap_set_flag", errno: Glibc.errno) }
        guard unsafe cap_set_proc(set) == 0 else { throw SyscallError(call: "cap_set_proc", errno: Glibc.errno) }
    }
}
