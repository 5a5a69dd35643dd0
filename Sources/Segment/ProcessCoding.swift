internal import Block
internal import Model

/// A process as the table of a segment writes it.
enum ProcessCoding {
    private static var numberPaths: [WritableKeyPath<ActorProcess, UInt32?>] {
        [
            \.uid, \.gid, \.realUID, \.realGID, \.loginUID, \.auditSession, \.terminal,
        ]
    }
    private static var textPaths: [WritableKeyPath<ActorProcess, RawPath?>] {
        [
            \.exe, \.script, \.comm, \.commandLine, \.container, \.controlGroup,
        ]
    }
    private static var sourcePaths: [WritableKeyPath<ActorProcess, FactSource?>] {
        [
            \.exeSource, \.detailSource, \.parentSource, \.identitySource,
        ]
    }

    static func append(_ process: ActorProcess, to bytes: inout [UInt8]) {
        var presence: UInt64 = 0
        var content: [UInt8] = []
        var bit: UInt64 = 1
        func mark(_ isPresent: Bool) {
            if isPresent { presence |= bit }
            bit <<= 1
        }
        mark(process.start != nil)
        if let start = process.start { content.appendZigzag(start.nanosecondsSinceEpoch) }
        mark(process.parentPID != nil)
        if let parent = process.parentPID { content.appendZigzag(Int64(parent)) }
        mark(process.parentInstance != nil)
        if let parent = process.parentInstance { content.appendVarint(parent) }
        for path in numberPaths {
            mark(process[keyPath: path] != nil)
            if let number = process[keyPath: path] { content.appendVarint(UInt64(number)) }
        }
        for path in textPaths {
            mark(process[keyPath: path] != nil)
            guard let text = process[keyPath: path] else { continue }
            let part = text.bytes.prefix(SegmentLimits.textByteCount)
            content.appendVarint(part.count)
            content.append(contentsOf: part)
        }
        bytes.appendVarint(process.instance)
        bytes.appendZigzag(Int64(process.pid))
        bytes.appendZigzag(process.firstSeen.nanosecondsSinceEpoch)
        bytes.appendVarint(presence)
        bytes.append(contentsOf: content)
        for path in sourcePaths { bytes.append(process[keyPath: path]?.rawValue ?? 0) }
    }

    static func read(_ cursor: inout ByteCursor) throws(PartError) -> ActorProcess {
        let instance = try cursor.varint()
        let pid = Int32(truncatingIfNeeded: try cursor.zigzag())
        let firstSeen = Instant(nanosecondsSinceEpoch: try cursor.zigzag())
        var process = ActorProcess(instance: instance, pid: pid, firstSeen: firstSeen)
        var presence = try cursor.varint()
        guard presence < 1 << 16 else { throw .malformed("fields of a process that are not known") }
        func isNext() -> Bool {
            defer { presence >>= 1 }
            return presence & 1 == 1
        }
        if isNext() { process.start = Instant(nanosecondsSinceEpoch: try cursor.zigzag()) }
        if isNext() { process.parentPID = Int32(truncatingIfNeeded: try cursor.zigzag()) }
        if isNext() { process.parentInstance = try cursor.varint() }
        for path in numberPaths where isNext() {
            process[keyPath: path] = UInt32(truncatingIfNeeded: try cursor.varint())
        }
        for path in textPaths where isNext() {
            let count = try cursor.count(atMost: SegmentLimits.textByteCount)
            process[keyPath: path] = RawPath(try cursor.array(count))
        }
        for path in sourcePaths {
            let source = try cursor.byte()
            guard source == 0 || FactSource(rawValue: source) != nil else { throw .malformed("source of a process") }
            process[keyPath: path] = FactSource(rawValue: source)
        }
        return process
    }
}
