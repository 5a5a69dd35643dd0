import Model
import Syscalls

/// The capabilities the recorder works with: raised from what file capabilities or root permit, dropped when the marks
/// are set.
enum RecorderPrivileges {
    static let wanted = Capability.needed
    /// After the marks: resolving handles and naming other users' processes. A new mark would need `sysAdmin`.
    static let keptWhileRecording: [Capability] = [.dacReadSearch, .sysPtrace]
    /// For the one thread that marks what is mounted later.
    static let keptWhileFollowing: [Capability] = [.sysAdmin, .dacReadSearch]

    /// Makes effective what is permitted. File capabilities are shipped as `+p`: with `e` set, one that is missing from
    /// the bounding set would keep the program from starting at all.
    static func raise() throws(RecorderError) {
        // CAP_NET_ADMIN serves the start alone; `narrow` gives it up.
        let permitted = (wanted + [.netAdmin]).filter(Capabilities.isPermitted)
        for capability in permitted where !Capabilities.isEffective(capability) {
            do throws(SyscallError) {
                try Capabilities.raise([capability])
            } catch {
                throw RecorderError(.noPrivilege, "\(capability.constantName) cannot be raised: \(error.description)")
            }
        }
    }

    /// Whether the recorder was lent rights that its user does not have: then it must not show that user what only the
    /// rights can see.
    static var isLent: Bool { Capabilities.isSecureExecution && OwnProcess.realUID != 0 }

    /// Does something as the user could do it alone, without the right to read everybody's files. nil where that right
    /// cannot be laid down, or `body` gives none.
    static func asUser<Value>(_ body: () -> Value?) -> Value? {
        guard Capabilities.isEffective(.dacReadSearch) else { return body() }
        guard (try? Capabilities.lower([.dacReadSearch])) != nil else { return nil }
        // Laid down for a few system calls; what was permitted stays so.
        defer { try? Capabilities.raise([.dacReadSearch]) }
        return body()
    }

    /// Lays down the right to read everybody's files in the calling thread, where it is lent: the store and the archive are
    /// the user's own, and links in them may lead anywhere. Returns whether `takeUpReading` is to take it up again.
    static func layDownReading() throws(RecorderError) -> Bool {
        guard isLent, Capabilities.isEffective(.dacReadSearch) else { return false }
        do throws(SyscallError) {
            try Capabilities.lower([.dacReadSearch])
        } catch {
            throw RecorderError(.noPrivilege, "privileges cannot be laid down: \(error.description)")
        }
        return true
    }

    static func takeUpReading(_ wasLaidDown: Bool) {
        if wasLaidDown { try? Capabilities.raise([.dacReadSearch]) }
    }

    /// The same for good, in a thread that needs nothing of what is lent. False where that fails.
    static func giveBackWhatIsLent() -> Bool {
        !isLent || (try? Capabilities.drop(allBut: [])) != nil
    }

    /// Whether new mounts are marked: as asked, else where the user is root, to whom the capability is nothing new.
    static func followsMounts(_ asked: Bool?) -> Bool {
        (asked ?? (OwnProcess.realUID == 0)) && Capabilities.isEffective(.sysAdmin)
    }

    /// Gives up, in the calling thread, all but `kept`, and with `locks` whatever a program could gain by being started.
    ///
    /// Capabilities belong to threads: each gives up what it does not need, and those it makes never had it. A store that
    /// belongs to another user is written by root's right over other users' files, which cannot be kept alone; then
    /// everything stays, and the start line says so.
    static func narrow(to kept: [Capability], store: RawPath, locks: Bool) throws(RecorderError) {
        do throws(SyscallError) {
            if locks { try Capabilities.setNoNewPrivileges() }
            guard try store.status().uid == OwnProcess.effectiveUID else { return }
            try Capabilities.drop(allBut: kept)
        } catch {
            throw RecorderError(.noPrivilege, "privileges cannot be dropped: \(error.description)")
        }
    }

    /// What the start line says is held. Parameter follows: one thread keeps what marking needs.
    static func held(follows: Bool) -> String {
        let held = wanted.filter(Capabilities.isEffective).map(\.rawValue)
        var text = held.isEmpty ? "no capability" : held.joined(separator: ",")
        if follows, !Capabilities.isEffective(.sysAdmin) {
            text += " (and \(Capability.sysAdmin.rawValue) in the thread that follows mounts)"
        }
        if Capabilities.hasNoNewPrivileges { text += ", no_new_privs" }
        return text
    }

    /// The program was given CAP_SYS_ADMIN with its file, and has not got it here.
    static var hasCapabilitiesWithoutEffect: Bool {
        FileCapabilities.read(of: RawPath("/proc/self/exe"))?.contains(.sysAdmin) == true
            && !Capabilities.isEffective(.sysAdmin)
    }

    /// The refusal of a call, in words that name the capability and the way to get it.
    ///
    /// Parameter mayDoWithout: what was asked for could be recorded by marks on single directories.
    static func missing(for error: SyscallError, mayDoWithout: Bool = false) -> RecorderError {
        var message = "no privilege to record: \(error.call) was refused, missing \(missingNames). \(remedy)"
        if mayDoWithout { message += ". --scope directories records without it, but not who did it" }
        return RecorderError(.noPrivilege, message)
    }

    /// What is said at the start of a recording without CAP_SYS_ADMIN.
    static var warning: String {
        "varved: WITHOUT PROCESSES: \(missingNames) is missing, so only single directories can be marked, and the kernel "
            + "does not tell who did it. \(remedy)\n"
    }

    private static var missingNames: String {
        let missing = wanted.filter { !Capabilities.isEffective($0) }
        return missing.isEmpty ? "CAP_SYS_ADMIN" : missing.map(\.constantName).joined(separator: ", ")
    }

    /// How to get what is missing.
    private static var remedy: String {
        let program = (try? Files.readLink(RawPath("/proc/self/exe")))?.lossyText ?? "/usr/sbin/varved"
        let setcap = "setcap \(Self.wanted.map(\.rawValue).joined(separator: ","))+p \(program)"
        let outside = wanted.filter { !Capabilities.isEffective($0) && !Capabilities.isInBoundingSet($0) }
        guard outside.isEmpty else {
            return
                "The bounding set of this process lacks \(outside.map(\.constantName).joined(separator: ", ")), as in a "
                + "container that was not given it: docker run "
                + Self.wanted.map { "--cap-add \($0.constantName.dropFirst("CAP_".count))" }.joined(separator: " ")
        }
        return "Run as root, or once as root: \(setcap)" + (hindrance.map { " (\($0))" } ?? "")
    }

    /// Why file capabilities that are there have no effect, or that they are not there.
    private static var hindrance: String? {
        let program = RawPath("/proc/self/exe")
        guard OwnProcess.realUID != 0 else { return nil }
        guard FileCapabilities.read(of: program) != nil else {
            return "the program has no file capabilities: cp, install, strip and most archivers leave them behind"
        }
        if Capabilities.hasNoNewPrivileges {
            return "no_new_privs is set for this process: file capabilities have no effect"
        }
        if let path = try? Files.readLink(program), let mounts = try? MountTable.current(),
            MarkPlan.holder(of: path, in: mounts)?.isNoSUID == true
        {
            return "the program lies on a mount with nosuid: file capabilities have no effect there"
        }
        return nil
    }
}
