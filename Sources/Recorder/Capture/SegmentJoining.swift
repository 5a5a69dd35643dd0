import Block
import Model
import Segment
import Store
import Syscalls

/// Joins small segments of all streams while nothing else waits.
///
/// Cost of one: its files are read and written once, at most 8 MiB; two syncs. Thread: *segments*.
struct SegmentJoining {
    private var streams: [UUIDBytes: JoinableSegments] = [:]
    /// Those of which something may be to be joined.
    private var waiting: [UUIDBytes] = []
    /// CLOCK_MONOTONIC until which nothing is written after it failed.
    private var restsUntil: Int64 = .min
    private let files: SegmentFiles

    private static let restNanoseconds: Int64 = 60_000_000_000

    init(_ known: [KnownStream], files: SegmentFiles) {
        self.files = files
        for known in known {
            streams[known.stream.uuid] = known.joinable
            waiting.append(known.stream.uuid)
        }
    }

    /// Takes notice of segments that were written, in their order. `baseCommit` is that of a stream's newest base image, also
    /// of one that is still being written.
    mutating func note(_ rows: [SegmentRow], baseCommit: (UUIDBytes) -> UInt64?) {
        for row in rows {
            if baseCommit(row.stream) == row.firstCommit &- 1 { streams[row.stream]?.endRun() }
            streams[row.stream, default: JoinableSegments()].append(row)
            if !waiting.contains(row.stream) { waiting.append(row.stream) }
        }
    }

    /// How long to wait until `join` can do something, in nanoseconds; nil where there is nothing to be joined.
    func wait(now: Int64) -> Int64? {
        waiting.isEmpty ? nil : restsUntil > now ? restsUntil &- now : 0
    }

    /// Joins some segments of one stream, if there are any; the file is written, its row is still to be stored.
    mutating func join(now: Int64) -> SegmentJoin? {
        guard now >= restsUntil else { return nil }
        while let uuid = waiting.first {
            guard let sources = streams[uuid]?.next() else {
                waiting.removeFirst()
                continue
            }
            guard let segment = encode(sources) else {
                streams[uuid]?.giveUp(sources)
                continue
            }
            do {
                let row = try files.write(segment)
                streams[uuid]?.replace(sources, by: row)
                return SegmentJoin(row, of: sources)
            } catch {
                // It is only tidier: nothing is lost, and what fails for want of room is for others to say.
                restsUntil = now &+ Self.restNanoseconds
                return nil
            }
        }
        return nil
    }

    /// Nil where one of them is not what its row says: that is for `verify` to name.
    private func encode(_ sources: [SegmentRow]) -> EncodedSegment? {
        guard var joiner = try? SegmentJoiner() else { return nil }
        for source in sources {
            guard let bytes = try? files.contents(of: source), (try? joiner.append(bytes)) == source.hash else {
                return nil
            }
        }
        return try? joiner.finish()
    }
}
