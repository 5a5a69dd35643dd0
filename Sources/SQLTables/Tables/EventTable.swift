internal import Block
internal import Model
internal import Query
internal import Store

/// The table `event`: one row an event, in `seq` order. Columns: docs/sql.md.
enum EventTable {
    static let kind = TableKind(
        name: "event", columns: Column.allCases.map(\.definition), orderColumn: Column.seq.rawValue,
        rowGuess: 1_000_000, narrowing: EventConditions.narrowing, makeCursor: { EventCursor($0) })

    /// The columns that tell of the process, by their numbers.
    static let processColumns = Column.allCases.map { ProcessColumn(rawValue: $0.name) }

    /// The columns by their numbers; those of a process follow `ProcessColumn`.
    enum Column: Int, CaseIterable {
        case seq, time, earliest, timeNs, earliestNs, host, op, mask, merged, path, target, dir
        case fs, inode, root, generation, object
        case pid, instance, start, exe, script, comm, cmdline, ppid, parent, uid, gid, ruid, rgid, loginuid, session
        case tty, cgroup, unit, container
        case exeLast, commLast, uncertain, nameOnly, scanned, containerPath, containerTarget
        case store

        /// The name in SQL: `time_ns` for `timeNs`.
        var name: String {
            "\(self)".reduce(into: "") { name, letter in
                name += letter.isUppercase ? "_\(letter.lowercased())" : "\(letter)"
            }
        }

        var definition: SQLColumn {
            return switch self {
            case .seq: SQLColumn(name, .integer, .range)
            case .time: SQLColumn(name, .moment, .moments)
            case .earliest: SQLColumn(name, .moment, .lowerMoment)
            case .timeNs: SQLColumn(name, .integer, .range)
            case .op: SQLColumn(name, .text, .operations)
            case .path, .target: SQLColumn(name, .text, .path)
            case .pid, .uid, .loginuid: SQLColumn(name, .integer, .number)
            case .exe, .comm, .container, .unit: SQLColumn(name, .text, .word)
            case .start: SQLColumn(name, .moment)
            case .earliestNs, .mask, .merged, .dir, .inode, .root, .generation, .instance, .ppid, .parent, .gid, .ruid,
                .rgid, .session, .nameOnly, .scanned:
                SQLColumn(name, .integer)
            case .host, .fs, .object, .script, .cmdline, .tty, .cgroup, .exeLast, .commLast, .uncertain,
                .containerPath, .containerTarget:
                SQLColumn(name, .text)
            case .store: TableKind.storeColumn
            }
        }

        /// What of an event must be decoded for the column.
        var parts: EventGroup.Parts {
            switch self {
            case .seq, .host, .store: []
            case .time, .earliest, .timeNs, .earliestNs: .windows
            case .op, .mask, .merged, .dir: .masks
            case .path, .target: .paths
            case .fs, .inode, .root, .generation, .object: .objects
            case .uncertain, .nameOnly, .scanned: .flags
            case .containerPath, .containerTarget: [.paths, .processes]
            default: .processes
            }
        }
    }
}

/// A scan of the events.
final class EventCursor: TableCursor {
    private var request: FilterRequest?
    private var scan: Scan?
    private var group: EventGroup?
    private var ordinal = 0
    /// The last row of the group that is asked for, and which way there.
    private var lastOrdinal = 0
    private var step = 1
    private var sequences: ClosedRange<UInt64> = 0...UInt64.max
    private var parts: EventGroup.Parts = []
    private var reportedDamageCount = 0
    private var containers: ContainerPaths?
    private var time = TimestampWriter()
    private var operationText: [UInt32: [UInt8]] = [:]
    /// By column, then by process of the block: made once.
    private var processValues: [[SQLValue?]] = Array(repeating: [], count: EventTable.Column.allCases.count)
    private var path: (index: PathIndex, value: SQLValue)?

    override var rowID: Int64 { Int64(clamping: group?.sequence(ordinal) ?? 0) }

    override func start(_ request: FilterRequest) throws {
        finish()
        self.request = request
        let narrowed = try EventConditions(request.conditions, columns: EventTable.kind.columns)
        guard !narrowed.isEmpty else { return }
        var selection = narrowed.selection
        selection.isReversed = request.isReversed
        sequences = narrowed.sequences
        parts = EventTable.Column.allCases.reduce(into: []) { parts, column in
            if request.uses(column.rawValue) { parts.formUnion(column.parts) }
        }
        try session.trace?.note(asked: selection)
        let reader = try reader(request.store)
        let seesContainers =
            request.uses(EventTable.Column.containerPath.rawValue)
            || request.uses(EventTable.Column.containerTarget.rawValue)
        containers = seesContainers ? ContainerPaths(try reader.containerMounts()) : nil
        let first = sequences.lowerBound
        if let trace = session.trace, let tracePlace {
            let count = try reader.blocks().count
            trace.add(tracePlace) { $0.blockCount += count }
        }
        scan = Scan(
            reader, selection, afterSequence: !request.isReversed && first > 0 ? first - 1 : nil,
            beforeSequence: try session.endSequence(of: request.store, reader))
        scan?.progress = session.trace?.progress
        reportedDamageCount = 0
        isAtEnd = false
        try nextGroup()
    }

    override func advance() throws {
        if ordinal != lastOrdinal {
            ordinal += step
            return
        }
        guard let group else {
            isAtEnd = true
            return
        }
        // What is asked for ends within the group.
        if step > 0, ordinal + 1 < group.count { return finish() }
        try nextGroup()
    }

    /// Goes to the first row of the next row group that has one.
    private func nextGroup() throws {
        let last = group
        group = nil
        guard let scan, let request else { return finish() }
        while true {
            try session.checkInterrupt()
            let view = try scan.next()
            try session.report(scan.damages[reportedDamageCount...])
            reportedDamageCount = scan.damages.count
            guard let view, view.group.firstSequence <= sequences.upperBound else {
                if view == nil, scan.lostToPruning { try session.reportPruned() }
                return finish()
            }
            let decoded: EventGroup
            do throws(BlockError) {
                decoded = try EventGroup(view, parts)
            } catch {
                try scan.passOver(error)
                continue
            }
            let first = decoded.firstOrdinal(notBelow: sequences.lowerBound)
            let end =
                sequences.upperBound == .max
                ? decoded.count : decoded.firstOrdinal(notBelow: sequences.upperBound + 1)
            (ordinal, lastOrdinal) = request.isReversed ? (decoded.count - 1, first) : (first, end - 1)
            guard ordinal < decoded.count else { continue }
            guard sequences.contains(decoded.sequence(ordinal)) else { return finish() }
            step = request.isReversed ? -1 : 1
            group = decoded
            if last?.isOfSameBlock(as: decoded) != true {
                for column in processValues.indices { processValues[column] = [] }
                path = nil
            }
            return
        }
    }

    private func finish() {
        isAtEnd = true
        group = nil
        if let scan, let trace = session.trace, let tracePlace {
            trace.add(tracePlace) { entry in
                entry.fetchedBlockCount += scan.fetchedBlockCount
                entry.groupCount += scan.groupCount
                entry.crossingCount += scan.crossingCount
            }
        }
        scan = nil
    }

    deinit {
        // A statement that is given up early (LIMIT) counts as far as it came.
        finish()
    }

    override func value(_ column: Int) -> SQLValue {
        guard let group, let column = EventTable.Column(rawValue: column) else { return .null }
        switch column {
        case .seq: return .integer(group.sequence(ordinal))
        case .time: return .moment(group.window(ordinal).time, &time)
        case .earliest: return .moment(group.window(ordinal).earliest, &time)
        case .timeNs: return .integer(group.window(ordinal).time.nanosecondsSinceEpoch)
        case .earliestNs: return .integer(group.window(ordinal).earliest.nanosecondsSinceEpoch)
        case .host: return .bytes(group.hostName)
        case .op: return .text(operations(group.mask(ordinal)))
        case .mask: return .integer(group.mask(ordinal).rawValue)
        case .merged: return .boolean(group.mask(ordinal).isMerged)
        case .dir: return .boolean(group.mask(ordinal).contains(.onDirectory))
        case .path: return path(of: group)
        case .target: return .bytes(group.target(ordinal))
        case .fs, .inode, .root, .generation, .object: return Self.value(column, of: group.object(ordinal))
        case .exeLast: return .path(group.lastProcess(ordinal)?.exe)
        case .commLast: return .path(group.lastProcess(ordinal)?.comm)
        case .uncertain:
            let words = group.flags(ordinal).uncertainties
            return words.isEmpty ? .null : .text(words.map { "\($0)" }.joined(separator: " "))
        case .nameOnly:
            return .boolean(group.flags(ordinal).isNameOnly)
        case .scanned: return .boolean(group.flags(ordinal).contains(.scanned))
        case .containerPath: return inContainer(group.path(ordinal), group)
        case .containerTarget: return inContainer(group.target(ordinal), group)
        case .store: return .path(request?.store)
        default:
            return processValue(column.rawValue, of: group)
        }
    }

    private func processValue(_ column: Int, of group: EventGroup) -> SQLValue {
        guard let index = group.processIndex(ordinal), let kind = EventTable.processColumns[column] else {
            return .null
        }
        if processValues[column].isEmpty {
            processValues[column] = Array(repeating: nil, count: group.processCount)
        } else if let known = processValues[column][index] {
            return known
        }
        let value = kind.value(of: group.process(withIndex: index), &time)
        processValues[column][index] = value
        return value
    }

    /// A file is opened, written and closed: paths come several times in a row.
    private func path(of group: EventGroup) -> SQLValue {
        let index = group.pathIndex(ordinal)
        if let path, path.index == index { return path.value }
        let value = SQLValue.bytes(group.path(ordinal))
        path = (index, value)
        return value
    }

    private func operations(_ mask: EventMask) -> [UInt8] {
        if let text = operationText[mask.rawValue] { return text }
        let text = OperationText.text(mask)
        operationText[mask.rawValue] = text
        return text
    }

    private static func value(_ column: EventTable.Column, of object: FileIdentity?) -> SQLValue {
        guard let object else { return .null }
        let isOpaque = object.root == FileIdentity.opaqueRoot
        switch column {
        case .fs: return .text(object.filesystem.text)
        case .object: return isOpaque ? .text(String(object.inode, radix: 16)) : .null
        case .inode: return isOpaque ? .null : .integer(Int64(bitPattern: object.inode))
        case .root: return isOpaque || object.root == 0 ? .null : .integer(Int64(bitPattern: object.root))
        default: return isOpaque ? .null : .integer(object.generation)
        }
    }

    private func inContainer(_ path: [UInt8]?, _ group: EventGroup) -> SQLValue {
        guard let containers, !containers.isEmpty, let path else { return .null }
        return .bytes(containers.place(of: path, container: group.process(ordinal)?.container)?.path)
    }
}
