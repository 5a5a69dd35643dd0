import Model

/// The fields of processes that version 2 of the format added, column after column.
///
/// Shape: presence bits; sources (parent | ids << 4); parent instance (zigzag difference of the instance to it); real uid
/// and gid (zigzag differences to uid and gid); audit session and terminal (to the last that had one); for each control
/// group 0 the next text of its part, else 1 + how many texts were begun since.
enum ProcessLinks {
    private static let presenceLimit = 1 << 6
    private static let controlGroupBit: UInt8 = 1 << 5
    private static let version: UInt8 = 2

    static func presence(of process: ActorProcess) -> UInt8 {
        var bits: UInt8 = 0
        if process.parentInstance != nil { bits |= 1 << 0 }
        if process.realUID != nil { bits |= 1 << 1 }
        if process.realGID != nil { bits |= 1 << 2 }
        if process.auditSession != nil { bits |= 1 << 3 }
        if process.terminal != nil { bits |= 1 << 4 }
        if process.controlGroup != nil { bits |= controlGroupBit }
        return bits
    }

    static func sources(of process: ActorProcess) -> UInt8 {
        (process.parentSource?.rawValue ?? 0) | (process.identitySource?.rawValue ?? 0) << 4
    }

    /// Both parts are empty when no process has any of the fields.
    static func encode(_ processes: [ActorProcess]) -> (links: [UInt8], controlGroups: [UInt8]) {
        guard processes.contains(where: { presence(of: $0) != 0 || sources(of: $0) != 0 }) else { return ([], []) }
        var links: [UInt8] = []
        for process in processes { links.appendVarint(UInt64(presence(of: process))) }
        for process in processes { links.append(sources(of: process)) }
        for process in processes {
            if let parent = process.parentInstance {
                links.appendZigzag(Int64(bitPattern: process.instance &- parent))
            }
        }
        for process in processes {
            if let real = process.realUID { links.appendZigzag(Int64(real) - Int64(process.uid ?? 0)) }
        }
        for process in processes {
            if let real = process.realGID { links.appendZigzag(Int64(real) - Int64(process.gid ?? 0)) }
        }
        append(processes, to: &links) { $0.auditSession }
        append(processes, to: &links) { $0.terminal }
        var groups: [RawPath] = []
        var indices: [RawPath: Int] = [:]
        var controlGroups: [UInt8] = []
        for process in processes {
            guard let group = process.controlGroup else { continue }
            if let index = indices[group] {
                links.appendVarint(groups.count - index)
            } else {
                indices[group] = groups.count
                groups.append(group)
                links.append(0)
                controlGroups.append(contentsOf: group.bytes)
                controlGroups.append(0)
            }
        }
        return (links, controlGroups)
    }

    private static func append(
        _ processes: [ActorProcess], to bytes: inout [UInt8], _ value: (ActorProcess) -> UInt32?
    ) {
        var last: Int64 = 0
        for process in processes {
            guard let value = value(process) else { continue }
            bytes.appendZigzag(Int64(value) - last)
            last = Int64(value)
        }
    }

    /// Completes processes whose other fields are decoded.
    static func decode(
        _ links: [UInt8], _ controlGroups: [UInt8], into processes: inout [ActorProcess]
    ) throws(PartError) {
        guard !links.isEmpty else {
            guard controlGroups.isEmpty else { throw .malformed("control groups that no process names") }
            return
        }
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(links.span.bytes)
        guard processes.count <= cursor.remainingByteCount else { throw .truncated }
        var presence: [UInt8] = []
        presence.reserveCapacity(processes.count)
        for _ in processes.indices {
            presence.append(UInt8(truncatingIfNeeded: try cursor.count(atMost: presenceLimit - 1)))
        }
        for index in processes.indices {
            let sources = try cursor.byte()
            processes[index].parentSource = try ProcessTable.source(sources & 0xF, version)
            processes[index].identitySource = try ProcessTable.source(sources >> 4, version)
        }
        for index in processes.indices where presence[index] & 1 << 0 != 0 {
            processes[index].parentInstance =
                processes[index].instance &- UInt64(bitPattern: try cursor.zigzag())
        }
        for index in processes.indices where presence[index] & 1 << 1 != 0 {
            processes[index].realUID = UInt32(
                truncatingIfNeeded: Int64(processes[index].uid ?? 0) &+ (try cursor.zigzag()))
        }
        for index in processes.indices where presence[index] & 1 << 2 != 0 {
            processes[index].realGID = UInt32(
                truncatingIfNeeded: Int64(processes[index].gid ?? 0) &+ (try cursor.zigzag()))
        }
        try decode(&cursor, presence, 1 << 3) { processes[$0].auditSession = $1 }
        try decode(&cursor, presence, 1 << 4) { processes[$0].terminal = $1 }
        var groups: [RawPath] = []
        var next = 0
        for index in processes.indices where presence[index] & controlGroupBit != 0 {
            let reference = try cursor.count(atMost: groups.count)
            if reference == 0 {
                guard let end = controlGroups[next...].firstIndex(of: 0) else { throw .truncated }
                groups.append(RawPath(Array(controlGroups[next..<end])))
                next = end + 1
            }
            processes[index].controlGroup = groups[reference == 0 ? groups.count - 1 : groups.count - reference]
        }
        guard next == controlGroups.count else { throw .malformed("control group after the last") }
        try cursor.expectEnd()
    }

    private static func decode(
        _ cursor: inout ByteCursor, _ presence: [UInt8], _ bit: UInt8, _ set: (Int, UInt32) -> Void
    ) throws(PartError) {
        var last: Int64 = 0
        for index in presence.indices where presence[index] & bit != 0 {
            last &+= try cursor.zigzag()
            set(index, UInt32(truncatingIfNeeded: last))
        }
    }
}
