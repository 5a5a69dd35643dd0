package import Model

extension JSONWriter {
    /// Everything that is known of a process but its pid, as members of an object.
    mutating func members(of process: ActorProcess, _ time: inout TimestampWriter) {
        key("instance")
        integer(process.instance)
        if process.pid == 0 {
            key("outside_pid_namespace")
            boolean(true)
        }
        if let start = process.start {
            key("start")
            self.time(start, &time)
        }
        text("exe", process.exe)
        text("script", process.script)
        text("comm", process.comm)
        text("cmdline", process.commandLine)
        number("ppid", process.parentPID)
        number("parent", process.parentInstance)
        number("uid", process.uid)
        number("gid", process.gid)
        number("ruid", process.realUID)
        number("rgid", process.realGID)
        number("loginuid", process.loginUID)
        number("session", process.auditSession)
        text("tty", process.terminal.map { TerminalName.path(ofDevice: $0) })
        text("cgroup", process.controlGroup)
        text("unit", process.controlGroup.flatMap { ControlGroupName.unit(of: $0) })
        text("container", process.container)
        let sources: [(StaticString, FactSource?)] = [
            ("exe", process.exeSource), ("detail", process.detailSource), ("parent", process.parentSource),
            ("ids", process.identitySource),
        ]
        guard sources.contains(where: { $0.1 != nil }) else { return }
        key("from")
        beginObject()
        for (name, source) in sources {
            guard let source else { continue }
            key(name)
            string(source.name)
        }
        endObject()
    }

    /// A text whose key is absent where it is not known. Where it is not UTF-8 the exact bytes stand beside it, in base64
    /// and under the name with `_raw`.
    mutating func text(_ name: StaticString, _ value: RawPath?) {
        guard let value else { return }
        key(name)
        string(bytes: value.bytes)
        guard !UTF8Scanner.isValid(value.bytes) else { return }
        key(dynamic: "\(name)_raw")
        base64(value.bytes)
    }

    mutating func number(_ name: StaticString, _ value: (some FixedWidthInteger)?) {
        guard let value else { return }
        key(name)
        integer(value)
    }
}

/// Names of terminals.
package enum TerminalName {
    /// The device file of a terminal, or its numbers where it is of another kind.
    ///
    /// Source: Documentation/admin-guide/devices.txt; the number is encoded as in field 7 of /proc/PID/stat.
    package static func path(ofDevice device: UInt32) -> RawPath {
        let major = device >> 8 & 0xFFF
        let minor = device & 0xFF | device >> 12 & 0xFFF00
        return switch major {
        case 136...143: RawPath("/dev/pts/\((major - 136) << 20 | minor)")
        case 4 where minor < 64: RawPath("/dev/tty\(minor)")
        case 4: RawPath("/dev/ttyS\(minor - 64)")
        default: RawPath("\(major):\(minor)")
        }
    }
}
