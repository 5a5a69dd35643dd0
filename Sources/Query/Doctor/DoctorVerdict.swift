internal import Glibc
internal import Model
internal import Syscalls

/// Error numbers that the rules look at.
enum SyscallNumber {
    static let notPermitted = EPERM
    static let invalid = EINVAL
    static let notImplemented = ENOSYS
}

/// Whether recording would work, and the one thing to do where it would not.
package struct DoctorVerdict: Hashable, Sendable {
    package enum Outcome: String, Sendable {
        case works
        /// Some of the places would be recorded.
        case limited
        case fails
    }

    package var outcome: Outcome
    package var reason: String
    /// The command that makes it work, nil where it works or no command can.
    package var command: String?

    private static let setCapabilities =
        Capability.needed.map(\.rawValue).joined(separator: ",") + "+p"

    /// The first hindrance in the order in which a recorder would meet them.
    package init(_ facts: DoctorFacts) {
        self =
            Self.program(facts) ?? Self.kernel(facts) ?? Self.namespace(facts) ?? Self.privileges(facts)
            ?? Self.lending(facts, Self.places(facts))
    }

    private static func namespace(_ facts: DoctorFacts) -> DoctorVerdict? {
        guard facts.isInUserNamespace else { return nil }
        return Self(
            hasDirectories(facts) ? .limited : .fails,
            "this is a user namespace (a rootless container?): its capabilities do not reach the filesystems of the host, "
                + "and the kernel does not tell who did what"
                + (hasDirectories(facts) ? "; varved would record by marks on single directories" : ""), "sudo varved")
    }

    /// It works, and lends too much.
    private static func lending(_ facts: DoctorFacts, _ verdict: DoctorVerdict) -> DoctorVerdict {
        guard verdict.outcome == .works, let program = facts.program, program.lendsToEverybody else { return verdict }
        let path = TerminalText.escaped(program.path.bytes)
        return Self(
            .works,
            verdict.reason + "; but whoever is on this machine may run varved and see every file's name (mode "
                + "\(String(program.permissions, radix: 8)))",
            "sudo chown root:varve '\(path)' && sudo chmod 750 '\(path)' && sudo setcap \(setCapabilities) '\(path)'")
    }

    private init(_ outcome: Outcome, _ reason: String, _ command: String? = nil) {
        self.outcome = outcome
        self.reason = reason
        self.command = command
    }

    private static func program(_ facts: DoctorFacts) -> DoctorVerdict? {
        guard facts.program == nil else { return nil }
        return Self(.fails, "no program varved was found beside this one or in $PATH", "sudo make install")
    }

    private static func kernel(_ facts: DoctorFacts) -> DoctorVerdict? {
        switch facts.groupError {
        case 0: nil
        case SyscallNumber.invalid:
            Self(.fails, "this kernel (\(facts.kernelRelease)) cannot report names and targets; Linux 6.1 or later can")
        case SyscallNumber.notImplemented: Self(.fails, "this kernel is built without fanotify")
        case SyscallNumber.notPermitted:
            Self(
                .fails,
                "fanotify_init is refused even without privileges, as a container's seccomp filter does"
                    + (facts.hasSeccompFilter ? " (this process has one)" : ""),
                "docker run \(containerOptions) …")
        default: Self(.fails, "fanotify_init fails: \(SyscallError.text(of: facts.groupError))")
        }
    }

    private static let containerOptions =
        "--pid=host --cap-add SYS_ADMIN --cap-add DAC_READ_SEARCH --cap-add SYS_PTRACE"

    private static func privileges(_ facts: DoctorFacts) -> DoctorVerdict? {
        let needed = Capability.needed
        if let program = facts.program, program.capabilities?.isEffective == true,
            needed.contains(where: { program.capabilities?.contains($0) == true && !facts.boundingSet.contains($0) })
        {
            return Self(
                .fails,
                "varved has its capabilities as +ep, and one of them is not in the bounding set here: it cannot even be "
                    + "started", "sudo setcap \(setCapabilities) '\(TerminalText.escaped(program.path.bytes))'")
        }
        if needed.allSatisfy(facts.permitted.contains) { return nil }
        let outside = needed.filter { !facts.boundingSet.contains($0) }
        if let partly = withoutCapabilities(facts, outside: outside) { return partly }
        guard outside.isEmpty else {
            return Self(
                .fails,
                "\(names(outside)) cannot be had here (not in the bounding set), as in a container without it",
                "docker run \(containerOptions) …")
        }
        guard let program = facts.program else { return nil }
        let path = TerminalText.escaped(program.path.bytes)
        let missing = needed.filter { !(program.capabilities?.contains($0) ?? false) }
        guard missing.isEmpty else {
            return Self(
                .fails, "varved lacks the file capabilities \(names(missing)), and this user is not root",
                "sudo setcap \(setCapabilities) '\(path)'")
        }
        if program.isOnNoSUIDMount {
            return Self(
                .fails, "varved lies on a mount with nosuid, where file capabilities have no effect",
                "sudo install -m 755 '\(path)' /usr/local/sbin/varved && "
                    + "sudo setcap \(setCapabilities) /usr/local/sbin/varved")
        }
        if facts.hasNoNewPrivileges {
            return Self(
                .fails, "no_new_privs is set for this process, so file capabilities have no effect in what it starts",
                "sudo '\(path)'")
        }
        return nil
    }

    private static func hasDirectories(_ facts: DoctorFacts) -> Bool {
        facts.places.contains { if case .directories = $0.support { true } else { false } }
    }

    /// PATH can be recorded by marks on single directories, without knowing who did it. A program that was given
    /// capabilities and has not got them refuses.
    private static func withoutCapabilities(_ facts: DoctorFacts, outside: [Capability]) -> DoctorVerdict? {
        guard facts.liveRecorder == nil, hasDirectories(facts), let program = facts.program,
            program.capabilities?.contains(.sysAdmin) != true, !facts.permitted.contains(.sysAdmin)
        else { return nil }
        let missing = Capability.needed.filter { !facts.permitted.contains($0) }
        return Self(
            .limited,
            "varved would record by marks on single directories, and not who did it: it lacks \(names(missing))",
            outside.isEmpty
                ? "sudo setcap \(setCapabilities) '\(TerminalText.escaped(program.path.bytes))'"
                : "docker run \(containerOptions) …")
    }

    private static func places(_ facts: DoctorFacts) -> DoctorVerdict {
        if let pid = facts.liveRecorder {
            return Self(.works, "a recorder (pid \(pid)) runs on this store already")
        }
        let refused = facts.places.filter { !$0.support.isMarked }
        guard facts.places.contains(where: \.support.isMarked) else {
            return Self(.fails, "nothing that was asked for can be marked")
        }
        func list(_ places: [DoctorFacts.Place]) -> String {
            places.map { TerminalText.escaped($0.path.bytes) }.joined(separator: ", ")
        }
        guard refused.isEmpty else { return Self(.limited, "everything but \(list(refused)) would be recorded") }
        var partly: [DoctorFacts.Place] = []
        var better: [String] = []
        for place in facts.places {
            guard case .directories(_, let instead) = place.support else { continue }
            partly.append(place)
            if !instead.isEmpty, !better.contains(instead) { better.append(instead) }
        }
        guard partly.isEmpty else {
            return Self(
                .limited,
                (["\(list(partly)) would be recorded by marks on single directories"]
                    + better.map { "to see all of it: \($0)" }).joined(separator: "; "))
        }
        return Self(.works, "everything that was asked for would be recorded")
    }

    private static func names(_ capabilities: [Capability]) -> String {
        capabilities.map(\.constantName).joined(separator: ", ")
    }
}
