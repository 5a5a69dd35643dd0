internal import Model
internal import Query

/// What is known of a process, by the names that JSON lines give it.
enum ProcessColumn: String, CaseIterable, Sendable {
    case instance, pid, start, exe, script, comm, cmdline, ppid, parent, uid, gid, ruid, rgid, loginuid, session, tty
    case cgroup, unit, container

    var isText: Bool {
        switch self {
        case .exe, .script, .comm, .cmdline, .tty, .cgroup, .unit, .container: true
        default: false
        }
    }

    func value(of process: ActorProcess, _ time: inout TimestampWriter) -> SQLValue {
        switch self {
        case .instance: .integer(process.instance)
        case .pid: .integer(process.pid)
        case .start: .moment(process.start, &time)
        case .exe: .path(process.exe)
        case .script: .path(process.script)
        case .comm: .path(process.comm)
        case .cmdline: .path(process.commandLine)
        case .ppid: .optional(process.parentPID)
        case .parent: .optional(process.parentInstance)
        case .uid: .optional(process.uid)
        case .gid: .optional(process.gid)
        case .ruid: .optional(process.realUID)
        case .rgid: .optional(process.realGID)
        case .loginuid: .optional(process.loginUID)
        case .session: .optional(process.auditSession)
        case .tty: .path(process.terminal.map { TerminalName.path(ofDevice: $0) })
        case .cgroup: .path(process.controlGroup)
        case .unit: .path(process.controlGroup.flatMap { ControlGroupName.unit(of: $0) })
        case .container: .path(process.container)
        }
    }
}
