package import Model
package import Testing

/// What really happened, as the workload's own processes wrote it down, and how a recording differs from it.
///
/// The kernel merges records of one process on one object and name while they wait, joining their operations and losing
/// counts and order. So what is compared is the set of operations for each (process, path, rename target).
package struct Truth: Sendable {
    package struct Key: Hashable, Sendable {
        package var pid: Int32
        package var path: RawPath
        package var target: RawPath?
    }

    package private(set) var operations: [Key: Set<String>] = [:]

    package init() {}

    /// Reads the log that `Tests/Workloads/workload.py` writes.
    package init(log: [UInt8]) {
        for line in log.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard fields.count == 4, let pid = Int32(String(decoding: fields[0], as: UTF8.self)) else { continue }
            let target = fields[3].isEmpty ? nil : RawPath(PercentEncoding.decode(fields[3]))
            note(
                String(decoding: fields[1], as: UTF8.self), pid: pid, path: RawPath(PercentEncoding.decode(fields[2])),
                target: target)
        }
    }

    package mutating func note(_ operation: String, pid: Int32, path: RawPath, target: RawPath? = nil) {
        operations[Key(pid: pid, path: path, target: target), default: []].insert(operation)
    }

    /// The same with every path that starts with `prefix` starting with `replacement`.
    package func replacing(_ prefix: String, with replacement: String) -> Truth {
        func replaced(_ path: RawPath) -> RawPath {
            guard path.isAtOrUnder(RawPath(prefix)) else { return path }
            return RawPath(Array(replacement.utf8) + path.bytes.dropFirst(prefix.utf8.count))
        }
        var result = Truth()
        for (key, names) in operations {
            let target = key.target.map { replaced($0) }
            for name in names { result.note(name, pid: key.pid, path: replaced(key.path), target: target) }
        }
        return result
    }

    /// Only what happened at or below `directory`; a rename counts when either side does.
    package func under(_ directory: String) -> Truth {
        let root = RawPath(directory)
        var result = Truth()
        result.operations = operations.filter { key, _ in
            key.path.isAtOrUnder(root) || key.target?.isAtOrUnder(root) == true
        }
        return result
    }

    package mutating func add(_ other: Truth) {
        operations.merge(other.operations) { $0.union($1) }
    }

    /// What the events lack and what they claim beyond the truth, one line each; empty when they agree.
    ///
    /// `ignoring` leaves out events that the workload did not cause, such as those of a process the test itself runs.
    package func differences(from events: [ReportedEvent], ignoring: (ReportedEvent) -> Bool = { _ in false })
        -> [String]
    {
        var seen = Truth()
        var lines: [String] = []
        for event in events where !ignoring(event) {
            guard let path = event.path, let pid = event.pid else {
                lines.append("event \(event.seq) (\(event.operations)) has no path or no pid")
                continue
            }
            for operation in event.operations { seen.note(operation, pid: pid, path: path, target: event.target) }
        }
        for (key, names) in operations {
            let missing = names.subtracting(seen.operations[key] ?? [])
            if !missing.isEmpty { lines.append("missing: \(missing.sorted()) \(key.summary)") }
        }
        for (key, names) in seen.operations {
            let invented = names.subtracting(operations[key] ?? [])
            if !invented.isEmpty { lines.append("not true: \(invented.sorted()) \(key.summary)") }
        }
        return lines.sorted()
    }
}

extension Truth {
    /// Records an issue that names the differences, where there are any.
    package func expectAgreement(
        with events: [ReportedEvent], _ remark: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let lines = differences(from: events)
        guard !lines.isEmpty else { return }
        // The first ones tell what is wrong; a storm would make thousands.
        let shown = lines.prefix(12).map { $0.count > 400 ? $0.prefix(200) + " … " + $0.suffix(190) : $0[...] }
        Issue.record(
            "\(lines.count) differences \(remark)\n\(shown.joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}

extension Truth.Key {
    fileprivate var summary: String {
        "pid \(pid) \(path.lossyText.debugDescription)" + (target.map { " → \($0.lossyText.debugDescription)" } ?? "")
    }
}
