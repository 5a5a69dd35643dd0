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

    // MARK: Support

    private static let pid: Int32 = 10
    private static let file = "file"

    /// A record that stands for more than one operation.
    private static var written: [UInt8] { record([.modify, .closeWrite], name: file, inode: 50) }
    private static var exec: [UInt8] { record(.openExec, name: "program", inode: 60) }

    /// A record of something in the directory whose handle is `EventBytes.handle`.
    private static func record(_ mask: EventMask, name: String, inode: UInt8) -> [UInt8] {
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
