import Block
import Model

/// An event as a test writes it, and as the naive filter looks at it.
struct RecordedEvent: Hashable, Sendable {
    var earliest: Instant
    var time: Instant
    var mask: EventMask
    var path: [UInt8]?
    var target: [UInt8]?
    var process: ActorProcess?
    var object: FileIdentity?
    var flags = EventFlags()
    /// Given when it is stored.
    var sequence: UInt64 = 0

    /// Times are in seconds of 2026-11-23T00:00:00Z; the window is one millisecond long unless said otherwise.
    init(
        _ second: Double, _ mask: EventMask, _ path: String?, target: String? = nil, process: ActorProcess? = nil,
        windowSeconds: Double = 0.001
    ) {
        time = Self.moment(second)
        earliest = Self.moment(second - windowSeconds)
        self.mask = mask
        self.path = path.map { Array($0.utf8) }
        self.target = target.map { Array($0.utf8) }
        self.process = process
    }

    /// 2026-11-23T00:00:00Z plus `second`, on the microsecond grid.
    static func moment(_ second: Double) -> Instant {
        Instant(nanosecondsSinceEpoch: 1_795_392_000_000_000_000 + Int64((second * 1e6).rounded()) * 1_000)
    }
}

extension ActorProcess {
    static func named(
        _ comm: String, pid: Int32, instance: UInt64, exe: String? = nil, uid: UInt32? = nil, container: String? = nil
    ) -> ActorProcess {
        var process = ActorProcess(instance: instance, pid: pid, firstSeen: RecordedEvent.moment(0))
        process.comm = RawPath(comm)
        process.exe = exe.map { RawPath($0) }
        process.uid = uid
        process.container = container.map { RawPath($0) }
        return process
    }
}

extension Batch {
    /// Appends events with all they refer to.
    mutating func append(_ events: [RecordedEvent]) {
        var windowIndices: [TimeWindow: UInt32] = [:]
        var processIndices: [ActorProcess: UInt32] = [:]
        for event in events {
            let window = TimeWindow(earliest: event.earliest, time: event.time, clockOffsetNanoseconds: 0)
            let windowIndex = windowIndices[window] ?? UInt32(windows.count)
            if windowIndices.updateValue(windowIndex, forKey: window) == nil { windows.append(window) }
            var processIndex = UInt32.absent
            if let process = event.process {
                processIndex = processIndices[process] ?? UInt32(processes.count)
                if processIndices.updateValue(processIndex, forKey: process) == nil { processes.append(process) }
            }
            append(
                window: windowIndex, process: processIndex, path: intern(event.path), target: intern(event.target),
                object: event.object, mask: event.mask, flags: event.flags)
        }
    }

    /// A path without a slash at its beginning lies in a directory that was never placed.
    private mutating func intern(_ path: [UInt8]?) -> PathIndex {
        guard let path else { return .absent }
        let names = path.split(separator: UInt8(ascii: "/")).map(Array.init)
        guard path.first == UInt8(ascii: "/") else {
            let directory = paths.addUnplacedDirectory()
            // SAFETY: the span is used while its array lives.
            return unsafe paths.internPath(directory: directory, name: path.span.bytes)
        }
        var directory: DirectoryIndex = 0
        for name in names.dropLast() {
            directory = unsafe paths.internDirectory(parent: directory, name: name.span.bytes)
        }
        let last = names.last ?? []
        return unsafe paths.internPath(directory: directory, name: last.span.bytes)
    }
}
