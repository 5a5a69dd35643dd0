import Block
import Glibc
import Model
import Segment
import TestData

/// What a commit of a watched database takes in a segment, and how fast segments are written and played.
///
/// A database is made and changed by SQLite itself (`DatabaseWorkload`), seeded; it and its log stay in DIRECTORY, which is
/// made. One line of JSON a measurement.
/// Usage: segment-benchmark log|rows|chat|mixed COMMITS SEED DIRECTORY
@main
struct SegmentBenchmark {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 5, let kind = DatabaseWorkload.Kind(rawValue: words[1]), let count = Int(words[2]),
            let seed = UInt64(words[3])
        else {
            print("usage: segment-benchmark log|rows|chat|mixed COMMITS SEED DIRECTORY")
            exit(2)
        }
        let workload = try DatabaseWorkload(kind, in: words[4], seed: seed, commitCount: count, copies: false)
        let rawByteCount = workload.commits.reduce(0) { $0 + $1.bytes.count }
        print(
            #"{"workload":"\#(kind)","seed":\#(seed),"commits":\#(workload.commits.count),"pages":"#
                + #"\#(rawByteCount / 4_096),"wal_bytes":\#(rawByteCount / 4_096 * 4_120)}"#)
        try compareWithPlainZstd(workload, rawByteCount)
        for group in [0, 32 << 10, 128 << 10, 512 << 10] { try measure(workload, groupByteCount: group, rawByteCount) }
    }

    private static func compareWithPlainZstd(_ workload: DatabaseWorkload, _ rawByteCount: Int) throws {
        var compressor = try Compressor()
        var output: [UInt8] = []
        let clock = ContinuousClock()
        let time = try clock.measure {
            for commit in workload.commits { try compressor.compress(commit.bytes, prefix: [], level: 3, to: &output) }
        }
        report("zstd-3 a commit, no prefix", rawByteCount, output.count, workload, encode: time, decode: nil)
    }

    /// Segments of at most 256 commits, played back and compared with what SQLite wrote.
    private static func measure(_ workload: DatabaseWorkload, groupByteCount: Int, _ rawByteCount: Int) throws {
        let size = Int(workload.pageSize)
        let stream = UUIDBytes(high: 1, low: 2)
        var hashes = PageHashes(stream: stream)
        var known = Pages(workload.base, size)
        for page in 1...UInt32(workload.base.count / size) {
            hashes.set(page, hashes.hash(of: page, workload.base, Int(page - 1) * size..<Int(page) * size))
        }
        var played = known
        let clock = ContinuousClock()
        var encoder = try SegmentEncoder(
            stream: stream, pageSize: workload.pageSize, hashes: hashes, databasePageCount: hashes.pageCount,
            lastCommit: 0, lastHash: EventsHash(high: 0, low: 0), groupByteCount: groupByteCount)
        var segments: [EncodedSegment] = []
        var encode = Duration.zero
        for (index, commit) in workload.commits.enumerated() {
            encode += try clock.measure {
                try encoder.append(commit) { known.page($0) }
                if index % 256 == 255, let segment = try encoder.finish() { segments.append(segment) }
            }
            known.apply(commit)
        }
        encode += try clock.measure { if let segment = try encoder.finish() { segments.append(segment) } }
        var player = try SegmentPlayer(hashes: hashes, commit: 0)
        let decode = try clock.measure {
            for segment in segments {
                let index = try SegmentIndex(file: segment.bytes)
                try player.play(index, upTo: .max, into: &played) { number in
                    let offset = index.blockOffsets[number]
                    return Array(segment.bytes[offset..<offset + index.table.blocks[number].byteCount])
                }
            }
        }
        precondition(played.pages == known.pages, "what was played is not what SQLite wrote")
        report(
            "segment, blocks of \(groupByteCount >> 10) KiB", rawByteCount, segments.reduce(0) { $0 + $1.bytes.count },
            workload, encode: encode, decode: decode)
    }

    private static func report(
        _ name: String, _ rawByteCount: Int, _ byteCount: Int, _ workload: DatabaseWorkload, encode: Duration,
        decode: Duration?
    ) {
        func rate(_ time: Duration) -> Int { Int(Double(rawByteCount) / 1e6 / (time / .seconds(1))) }
        var line =
            #"{"method":"\#(name)","bytes":\#(byteCount),"bytes_per_commit":\#(byteCount / workload.commits.count)"#
        line += #","ratio":\#((Double(rawByteCount) / Double(byteCount) * 10).rounded() / 10)"#
        line += #","encode_mb_s":\#(rate(encode))"#
        if let decode { line += #","play_mb_s":\#(rate(decode))"# }
        print(line + "}")
    }
}

/// A database in memory, page by page.
private struct Pages: PageStore {
    var pages: [[UInt8]]

    init(_ bytes: [UInt8], _ size: Int) {
        pages = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<$0 + size]) }
    }

    func page(_ number: UInt32) -> [UInt8]? {
        number <= pages.count ? pages[Int(number) - 1] : nil
    }

    mutating func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) {
        while pages.count < number { pages.append([]) }
        pages[Int(number) - 1] = Array(bytes)
    }

    mutating func resize(to count: UInt32) {
        pages.removeSubrange(min(pages.count, Int(count))...)
    }

    mutating func apply(_ commit: CapturedCommit) {
        let size = commit.bytes.count / commit.pages.count
        for (index, page) in commit.pages.enumerated() { write(page, commit.bytes[index * size..<(index + 1) * size]) }
        resize(to: commit.databasePageCount)
    }
}
