/// Byte strings one after the other.
struct NameArena: Sendable {
    /// The names, and behind them what is left of the last word.
    private var bytes: [UInt8]
    private var starts: [UInt32]

    /// A word's.
    private static let slackByteCount = 8

    /// `count` names, each the beginning of the name before it and a rest ended by NUL. `prefixes` is empty where all are
    /// 0. With `afterRoot` an empty name comes before the first.
    init(prefixes: [UInt8], rests: [UInt8], count: Int, afterRoot: Bool) throws(PartError) {
        guard count <= rests.count, rests.last ?? 0 == 0 else { throw .truncated }
        guard prefixes.isEmpty || prefixes.count == count else { throw .malformed("count of prefixes") }
        // What the names take together follows from what is stored, so it is checked and allocated once.
        let shared = prefixes.reduce(0) { $0 + Int($1) }
        let total = rests.count - count + shared
        guard total <= BlockLimits.nameByteCount else { throw .malformed("too many bytes of names") }
        // Names are copied in words; the last may write that much too far.
        var bytes = [UInt8](repeating: 0, count: total + Self.slackByteCount)
        var starts: [UInt32] = []
        starts.reserveCapacity(count + 2)
        if afterRoot { starts.append(0) }
        starts.append(0)
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let source = unsafe rests.span.bytes
        let isEndOfSource = { [sourceByteCount = source.byteCount] (position: Int) in
            position &+ Self.slackByteCount > sourceByteCount
        }
        var target = bytes.mutableSpan
        var previous = 0
        var position = 0
        var end = 0
        for index in 0..<count {
            let start = end
            let shared = prefixes.isEmpty ? 0 : Int(prefixes[index])
            guard shared <= start &- previous, shared <= total &- end else {
                throw .malformed("prefix longer than the name before")
            }
            target.copyWords(from: previous, to: end, byteCount: shared)
            end &+= shared
            while true {
                if isEndOfSource(position) {
                    guard position < source.byteCount else { throw .truncated }
                    let byte = source.byte(at: position)
                    position &+= 1
                    if byte == 0 { break }
                    guard end < total else { throw .malformed("name after the last") }
                    target[end] = byte
                    end &+= 1
                } else {
                    let word = source.word(at: position)
                    target.store(word, at: end)
                    let length = word.byteCountBeforeZero
                    end &+= length
                    guard end <= total else { throw .malformed("name after the last") }
                    position &+= length
                    if length < Self.slackByteCount {
                        position &+= 1
                        break
                    }
                }
            }
            starts.append(UInt32(truncatingIfNeeded: end))
            previous = start
        }
        guard position == source.byteCount, end == total else { throw .malformed("name after the last") }
        self.bytes = bytes
        self.starts = starts
    }

    /// Each directory's whole path with "/" at the end; nil when that takes more than `limit` bytes.
    init?(wholePathsOf names: NameArena, parents: [UInt32], atMost limit: Int) {
        bytes = [UInt8(ascii: "/")]
        starts = [0, 1]
        starts.reserveCapacity(parents.count + 1)
        var path: [UInt8] = []
        for index in parents.indices.dropFirst() {
            let parent = Int(parents[index])
            // By way of a second buffer: a slice of an array that grows would copy all of it.
            path.removeAll(keepingCapacity: true)
            path.append(contentsOf: bytes[Int(starts[parent])..<Int(starts[parent + 1])])
            bytes.append(contentsOf: path)
            bytes.append(contentsOf: names[index])
            bytes.append(UInt8(ascii: "/"))
            guard bytes.count <= limit else { return nil }
            starts.append(UInt32(bytes.count))
        }
    }

    var byteCount: Int { Int(starts.last ?? 0) }

    func isEmpty(at index: Int) -> Bool { starts[index] == starts[index + 1] }

    /// The hash of a name in a directory of which the hash is given.
    func hash(of index: Int, in directory: EventsHash) -> EventsHash {
        // SAFETY: bytes are initialised memory without padding; the span does not outlive the array.
        let name = unsafe bytes.span.bytes.extracting(Int(starts[index])..<Int(starts[index + 1]))
        return PathHash.child(of: directory, name: name)
    }

    subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[Int(starts[index])..<Int(starts[index + 1])]
    }
}
