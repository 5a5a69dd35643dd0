internal import Block
internal import CLinux
internal import Fanotify
internal import Glibc
internal import Model
internal import TestData

/// The records of a storm over many small files, laid out as the kernel lays them out: what a compiler, a package manager
/// and a mail server leave in the queue.
///
/// Each file is made, written and closed; a quarter is renamed, half removed, which is told twice (the link count's change
/// of attributes, then the removal). The same for the same seed, but for the two pids: this process and its parent, for
/// they must be alive.
struct FileStorm {
    /// Inode 2, as the top of an ext4 filesystem has.
    private static let topInode: UInt32 = 2
    private static let directoryCount = 64
    private static let filesPerReading = 256

    /// A directory at the top, and a file in it that each reading has under a name of its own.
    static let knownDirectory = "src"
    static func knownPath(ofReading number: Int) -> String { "/\(knownDirectory)/known-\(number)" }

    private var random: SeededGenerator
    private var readingNumber = 0
    private var nextInode: UInt32 = 12
    private var directories: [UInt32] = [Self.topInode]
    private var now: Int64 = 1_760_000_000_000_000_000
    private let pids = [getpid(), getppid()]

    /// A read buffer's records, and when they were read.
    struct Reading {
        var bytes: [UInt8]
        var window: TimeWindow
        var recordCount: Int
    }

    /// The first reading makes the directories.
    private(set) var beginning: Reading

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        beginning = Reading(
            bytes: [], window: TimeWindow(earliest: .distantPast, time: .distantPast, clockOffsetNanoseconds: 0),
            recordCount: 0)
        var event = EventBytes()
        var count = 0
        while directories.count < Self.directoryCount {
            let isFirst = directories.count == 1
            let parent = directories[random.below(directories.count)]
            let directory = makeInode()
            event.begin([.create, .onDirectory], pid: pids[0])
            event.handle(
                FAN_EVENT_INFO_TYPE_DFID_NAME, Self.handle(parent),
                name: isFirst ? Array(Self.knownDirectory.utf8) : makeName(suffix: ""))
            event.handle(FAN_EVENT_INFO_TYPE_FID, Self.handle(directory))
            directories.append(directory)
            count += 1
        }
        event.end()
        beginning = Reading(bytes: event.bytes, window: makeWindow(), recordCount: count)
    }

    /// The handle of the directory above all others.
    static var top: FileHandle {
        get throws {
            // Taken from a record, for only records carry handles.
            var event = EventBytes()
            event.begin(.create)
            event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, handle(topInode), name: [UInt8(ascii: "a")])
            event.end()
            let bytes = event.bytes
            // SAFETY: bytes have no padding, and the array outlives the span.
            let span = unsafe bytes.span.bytes
            var cursor = EventCursor(span)
            guard let view = try cursor.next()?.directory else { preconditionFailure("the record has a directory") }
            return FileHandle(view, in: span)
        }
    }

    /// The next reading of the storm.
    mutating func next() -> Reading {
        var event = EventBytes()
        var count = 0
        for number in 0..<Self.filesPerReading {
            let isKnown = number == 0
            let pid = pids[random.below(pids.count)]
            let directory = Self.handle(directories[isKnown ? 1 : random.below(directories.count)])
            let file = Self.handle(makeInode())
            var name = makeName(suffix: [".o", ".swift", ".log", ".json"][random.below(4)])
            if isKnown { name = Array("known-\(readingNumber)".utf8) }
            func tell(_ mask: EventMask) {
                event.begin(mask, pid: pid)
                event.handle(FAN_EVENT_INFO_TYPE_DFID_NAME, directory, name: name)
                event.handle(FAN_EVENT_INFO_TYPE_FID, file)
                count += 1
            }
            tell(.create)
            tell(.modify)
            tell(.closeWrite)
            if random.chance(1, of: 4) {
                let target = Self.handle(directories[random.below(directories.count)])
                event.begin(.rename, pid: pid)
                event.handle(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, directory, name: name)
                name = makeName(suffix: "")
                event.handle(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, target, name: name)
                event.handle(FAN_EVENT_INFO_TYPE_FID, file)
                count += 1
            } else if random.chance(2, of: 3) {
                event.begin(.attrib, pid: pid)
                event.handle(FAN_EVENT_INFO_TYPE_FID, file)
                count += 1
                tell(.delete)
            }
        }
        event.end()
        readingNumber += 1
        return Reading(bytes: event.bytes, window: makeWindow(), recordCount: count)
    }

    private mutating func makeInode() -> UInt32 {
        nextInode += 1
        return nextInode
    }

    private mutating func makeWindow() -> TimeWindow {
        let earliest = now
        now += 1_000_000
        return TimeWindow(
            earliest: Instant(nanosecondsSinceEpoch: earliest), time: Instant(nanosecondsSinceEpoch: now),
            clockOffsetNanoseconds: 1_700_000_000_000_000_000)
    }

    /// A word, and often a number, as names have.
    private mutating func makeName(suffix: String) -> [UInt8] {
        let words = ["index", "parser", "main", "session", "cache", "message", "part", "libstorage", "Table", "x"]
        var name = words[random.below(words.count)]
        if random.chance(3, of: 4) { name += "-\(random.below(10_000))" }
        return Array((name + suffix).utf8)
    }

    private static func handle(_ inode: UInt32) -> [UInt8] {
        var bytes = EventBytes()
        bytes.append(inode)
        bytes.append(UInt32(7))
        return bytes.bytes
    }
}
