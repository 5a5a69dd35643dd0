import Block
import CLinux
import Fanotify
import Model
import TestData
import Testing

@testable import Recorder

/// What readings of one queue have to do with one another.
@Suite struct ResolverReadingsTests {
    /// The queue is read in pieces of a buffer; the piece with the exec may come after that with the record that was joined
    /// across it, and both begin when the queue was last empty.
    @Test func aRecordJoinedAcrossAnExecOfTheNextPieceHasBothPrograms() throws {
        let batch = try Self.resolve([
            (Self.written, Self.window(earliest: 100, time: 110)), (Self.exec, Self.window(earliest: 100, time: 120)),
        ])
        #expect(try Self.programs(of: batch) == ["/bin/sh", "/program"])
    }

    @Test func aRecordReadBeforeTheQueueWasEmptyHasTheFirstProgramOnly() throws {
        let batch = try Self.resolve([
            (Self.written, Self.window(earliest: 100, time: 110)), (Self.exec, Self.window(earliest: 115, time: 120)),
        ])
        #expect(try Self.programs(of: batch) == ["/bin/sh"])
    }

    /// To a recorder in a container all who are outside have the same number.
    @Test func whatOneOutsideRunsIsNotWhatAllOthersRun() throws {
        let batch = try Self.resolve([
            (Self.record(.openExec, name: "program", inode: 60, pid: 0), Self.window(earliest: 100, time: 110)),
            (
                Self.record([.modify, .closeWrite], name: Self.file, inode: 50, pid: 0),
                Self.window(earliest: 115, time: 120)
            ),
        ])
        #expect(try Self.programs(of: batch) == [nil])
    }

    /// More joined records than are kept in mind one by one, before their directory is renamed in the same pass.
    @Test func joinedRecordsBeforeARenameAreMarkedHoweverManyTheyAre() throws {
        let directory: [UInt8] = [43, 0, 0, 0, 7, 0, 0, 0]
        var events = EventBytes()
        func add(_ mask: EventMask, in parent: [UInt8]? = nil, _ name: String, movedTo target: String? = nil) {
            events.begin(mask, pid: Self.pid)
            let type = target == nil ? FAN_EVENT_INFO_TYPE_DFID_NAME : FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
            events.handle(type, parent ?? EventBytes.handle, name: Array(name.utf8))
            if let target { events.handle(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, name: Array(target.utf8)) }
            if parent == nil { events.handle(FAN_EVENT_INFO_TYPE_FID, directory) }
            events.end()
        }
        add([.create, .onDirectory], "before")
        let count = Resolver<ScriptedProcesses, KernelDirectories>.maximumJoinedCount + 100
        for number in 0..<count { add([.attrib, .modify], in: directory, "file\(number)") }
        add([.modify, .closeWrite], in: directory, "used once")
        add([.rename, .onDirectory], "before", movedTo: "after")
        add([.attrib, .modify], in: directory, "later")
        let batch = try Self.resolve([(events.bytes, Self.window(earliest: 100, time: 110))])
        let marked = (0..<batch.count).filter { batch[$0].flags.contains(.uncertainPath) }
        #expect(marked == Array(1...count))
    }

    // MARK: Support

    private static let pid: Int32 = 10
    private static let file = "file"

    /// A record that stands for more than one operation.
    private static var written: [UInt8] { record([.modify, .closeWrite], name: file, inode: 50) }
    private static var exec: [UInt8] { record(.openExec, name: "program", inode: 60) }

    /// A record of something in the directory whose handle is `EventBytes.handle`.
    private static func record(_ mask: EventMask, name: String, inode: UInt8, pid: Int32 = Self.pid) -> [UInt8] {
        var event = EventBytes()
        event.begin(mask, pid: pid)
        event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, name: Array(name.utf8))
        event.handle(FAN_EVENT_INFO_TYPE_FID, [inode, 0, 0, 0, 7, 0, 0, 0])
        event.end()
        return event.bytes
    }

    private static func window(earliest: Int64, time: Int64) -> TimeWindow {
        TimeWindow(
            earliest: Instant(nanosecondsSinceEpoch: earliest * 1_000_000),
            time: Instant(nanosecondsSinceEpoch: time * 1_000_000), clockOffsetNanoseconds: 0)
    }

    /// The batch after these readings, with a shell as the process.
    private static func resolve(_ readings: [(bytes: [UInt8], window: TimeWindow)]) throws -> Batch {
        let bytes = written
        // SAFETY: bytes have no padding, and the array outlives the span.
        let span = unsafe bytes.span.bytes
        var cursor = EventCursor(span)
        let top = FileHandle(try #require(try cursor.next()?.directory), in: span)
        var processes = ScriptedProcesses()
        processes.alive[pid] = ScriptedProcesses.Process(startTicks: 5, exe: "/bin/sh", exeInode: 1)
        var resolver = Resolver(
            scope: RecordingScope(
                roots: [RecordingScope.Root(handle: top, path: RawPath("/"), isKept: true)], isRestricted: false,
                operations: Operation.recordedByDefault, ownPID: -1),
            counters: RecorderCounters(), directories: KernelDirectories(mountPoints: [:]),
            executables: ExecutableSource(mountPoints: [:]), processes: processes, nextInstance: 1, exclusions: [])
        for reading in readings {
            // SAFETY: as above.
            unsafe resolver.resolve(reading.bytes.span.bytes, window: reading.window)
        }
        return resolver.batch
    }

    /// Of the record of `file`: its program, and the last where that may be another.
    private static func programs(of batch: Batch) throws -> [String?] {
        let event = try #require((0..<batch.count).map { batch[$0] }.first { $0.mask.contains(.closeWrite) })
        return [event.process, event.lastProcess].filter { $0 != .absent }.map {
            batch.processes[Int($0)].exe.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
    }
}
