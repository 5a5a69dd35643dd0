import Block
import Model
import Syscalls

/// Processes as `/proc` shows them.
///
/// What is wrong with the recorder itself (no descriptor, no memory) reads as "not known": the event is then recorded
/// without what could not be learned.
struct ProcDirectory: ProcessSource {
    let forksUntilReuse: UInt64
    private var clock = StartClock()
    private var buffer: [UInt8] = []

    init() {
        let maximumPID = (try? ProcFS.maximumPID()) ?? 32_768
        // Half a turn is left as a margin: pids are given out in order, but some are in use and skipped. After the first
        // turn the kernel leaves out those below 300.
        forksUntilReuse = UInt64(max((maximumPID - 300) / 2, 1))
    }

    mutating func follow(_ window: TimeWindow) {
        clock.follow(window) { Clock.boottime() &- Clock.monotonic() }
    }

    func startMoment(monotonic: Int64) -> Instant {
        clock.instant(ofMonotonic: monotonic)
    }

    mutating func identity(of pid: Int32) -> ProcessIdentity? {
        guard let directory = open(pid), let stat = try? directory.readStat(into: &buffer) else { return nil }
        return identity(stat)
    }

    private func identity(_ stat: ProcessStat) -> ProcessIdentity {
        ProcessIdentity(
            startTicks: stat.startTicks, start: clock.instant(ofTicks: stat.startTicks), parentPID: stat.parentPID,
            isZombie: stat.isZombie)
    }

    mutating func describe(
        _ process: inout ActorProcess, including exe: Bool, where isWanted: (UInt64?) -> Bool
    ) -> ProcessSighting? {
        guard let directory = open(process.pid) else { return nil }
        do throws(SyscallError) {
            let inode = try directory.executableStatus()?.inode
            guard isWanted(inode), let stat = try directory.readStat(into: &buffer) else { return nil }
            process.comm = RawPath(Array(buffer[stat.comm]))
            process.parentPID = stat.parentPID
            guard let credentials = try directory.readCredentials(into: &buffer) else { return nil }
            process.uid = credentials.effectiveUID
            process.gid = credentials.effectiveGID
            process.realUID = credentials.realUID
            process.realGID = credentials.realGID
            process.terminal = stat.terminal
            process.loginUID = try directory.readLoginUID(into: &buffer)
            // A session comes with a login.
            process.auditSession = process.loginUID == nil ? nil : try directory.readAuditSession(into: &buffer)
            let limit = ActorProcess.maximumCommandLineByteCount
            if try directory.readCommandLine(upTo: limit, into: &buffer), !buffer.isEmpty {
                ProcFS.joinArguments(&buffer)
                // A copy of its own size: the buffer itself has room for the longest one.
                process.commandLine = RawPath(buffer.map { $0 })
            }
            if try directory.readControlGroup(into: &buffer), let path = ControlGroup.path(in: buffer) {
                process.controlGroup = RawPath(Array(buffer[path]))
                process.container = ContainerID(controlGroup: buffer[path])?.text
            }
            if exe { process.exe = try readExe(directory) }
            return ProcessSighting(identity: identity(stat), exeInode: inode)
        } catch {
            return nil
        }
    }

    mutating func ids(of pid: Int32) -> (user: ProcessIDs, group: ProcessIDs)? {
        guard let directory = open(pid), let found = try? directory.readCredentials(into: &buffer) else { return nil }
        return (
            ProcessIDs(real: found.realUID, effective: found.effectiveUID),
            ProcessIDs(real: found.realGID, effective: found.effectiveGID)
        )
    }

    mutating func forkCount() -> ForkCount? {
        guard let count = try? ProcFS.forkCount(into: &buffer) else { return nil }
        return ForkCount(count: count, moment: Clock.monotonic())
    }

    private func open(_ pid: Int32) -> ProcessDirectory? {
        try? ProcessDirectory(pid: pid)
    }

    private mutating func readExe(_ directory: borrowing ProcessDirectory) throws(SyscallError) -> RawPath? {
        switch try directory.readExecutable(into: &buffer) {
        case .path, .deleted: RawPath(buffer)
        case .denied, .none: nil
        }
    }
}

/// A container's id as its runtime names the control group: the last run of 64 hexadecimal digits in the path.
///
/// Source: Docker and containerd, cgroup v1 (`/docker/ID`) and v2 (`docker-ID.scope`, `cri-containerd-ID.scope`).
struct ContainerID: Equatable {
    var text: RawPath

    init?(controlGroup path: some Sequence<UInt8>) {
        var run: [UInt8] = []
        var found: [UInt8]?
        for byte in path {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
                run.append(byte)
            default:
                if run.count == 64 { found = run }
                run.removeAll(keepingCapacity: true)
            }
        }
        if run.count == 64 { found = run }
        guard let found else { return nil }
        text = RawPath(found)
    }
}
