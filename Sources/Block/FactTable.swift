package import Model

extension ProcessFact {
    /// The fact as a block gives it back: its moment on the microsecond grid.
    package var asStored: ProcessFact {
        ProcessFact(
            instance: instance, kind: kind, moment: Instant(microsecondsSinceEpoch: moment.microsecondsRoundedDown),
            status: status)
    }
}

/// The facts of a block, in the order they were learned.
///
/// Shape: for each the zigzag difference of the instance to the one before, its kind, and the zigzag difference of the
/// moment to the one before in microseconds (the first to the block's base); of an end also its status.
enum FactTable {
    static func encode(_ facts: [ProcessFact], origin: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        var instance: UInt64 = 0
        var moment = origin
        for fact in facts {
            bytes.appendVarint(Zigzag.encodeDifference(fact.instance, from: instance))
            bytes.append(fact.kind.rawValue)
            bytes.appendZigzag(fact.moment.microsecondsRoundedDown &- moment)
            if fact.kind == .exited { bytes.appendVarint(UInt64(fact.status)) }
            instance = fact.instance
            moment = fact.moment.microsecondsRoundedDown
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8], count: Int, origin: Int64, version: UInt8) throws(PartError) -> [ProcessFact] {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        var cursor = unsafe ByteCursor(bytes.span.bytes)
        guard count <= cursor.remainingByteCount else { throw .truncated }
        var facts: [ProcessFact] = []
        facts.reserveCapacity(count)
        var instance: UInt64 = 0
        var moment = origin
        for _ in 0..<count {
            instance = Zigzag.decodeDifference(try cursor.varint(), from: instance)
            guard let kind = ProcessFact.Kind(rawValue: try cursor.byte()), version > 1 || kind == .exitSeen else {
                throw .malformed("unknown fact")
            }
            moment &+= try cursor.zigzag()
            let status = kind == .exited ? try cursor.count(atMost: Int(UInt32.max)) : 0
            facts.append(
                ProcessFact(
                    instance: instance, kind: kind, moment: Instant(microsecondsSinceEpoch: moment),
                    status: UInt32(truncatingIfNeeded: status)))
        }
        try cursor.expectEnd()
        return facts
    }
}
