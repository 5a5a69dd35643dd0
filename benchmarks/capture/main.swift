// `checksum ROUNDS`: our checksum of a page beside the C loop of checksum.c, in nanoseconds, one line of JSON a round. `follow DATABASE SECONDS PID…`: finds the commits of
// a database while PIDs write it, with a look each millisecond, and says how many were found and missed.
import Glibc

@_silgen_name("measure")
private func measureC(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ rounds: Int32, _ sum: UnsafeMutablePointer<UInt32>
) -> Double

func cpu() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func checksum(_ rounds: Int) {
    let page = (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
    let times = 200_000
    for round in 0..<rounds {
        var sum = WALChecksum.zero
        func measureOurs() -> Double {
            let begin = cpu()
            for _ in 0..<times { unsafe sum.add(page.span.bytes, order: .little) }
            return (cpu() - begin) / Double(times)
        }
        var theirs: [UInt32] = [0, 0]
        func measureTheirs() -> Double { unsafe measureC(page, page.count, Int32(times), &theirs) }
        let (ours, plain): (Double, Double)
        if round % 2 == 0 {
            ours = measureOurs()
            plain = measureTheirs()
        } else {
            plain = measureTheirs()
            ours = measureOurs()
        }
        precondition(theirs == [sum.first, sum.second], "both are the same function")
        print(#"{"swift":\#(ours),"c":\#(plain)}"#)
    }
}

struct Files: WALReading {
    let log: Int32
    let index: Int32

    private func read(_ file: Int32, _ offset: Int64, _ count: Int, _ bytes: inout [UInt8]) {
        if bytes.count != count { bytes = [UInt8](repeating: 0, count: count) }
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, count, off_t(offset)) }
        if got < count { bytes.removeLast(count - max(0, got)) }
    }

    mutating func readLog(at offset: Int64, count: Int, into bytes: inout [UInt8]) { read(log, offset, count, &bytes) }
    mutating func readIndex(at offset: Int64, count: Int, into bytes: inout [UInt8]) {
        read(index, offset, count, &bytes)
    }
    mutating func logByteCount() -> Int64 { Int64(lseek(log, 0, SEEK_END)) }
    mutating func isWriting() -> Bool? { nil }
}

func monotonic() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

func follow(_ database: String, _ pids: [Int32]) {
    var files = Files(log: open(database + "-wal", O_RDONLY), index: open(database + "-shm", O_RDONLY))
    precondition(files.log >= 0 && files.index >= 0, "the database has no log")
    var machine = CaptureMachine(isFresh: true)
    var found = 0, missed = 0, gaps = 0, bytes = 0, looks = 0, longest: Int64 = 0
    var isLast = false
    var before = monotonic()
    while true {
        isLast = pids.allSatisfy { kill($0, 0) != 0 }
        let now = monotonic()
        longest = max(longest, now - before)
        before = now
        var state = CaptureState.behind
        while state == .behind || isLast && state == .racing {
            guard let step = try? machine.step(&files, now: monotonic()) else { break }
            looks += 1
            state = step.state
            for finding in step.findings {
                switch finding {
                case .commit(let commit, _):
                    found += 1
                    bytes += commit.bytes.count
                case .missed(let count, _):
                    missed += Int(count ?? 1_000_000_000)
                    gaps += 1
                default: break
                }
            }
        }
        if isLast { break }
        usleep(1_000)
    }
    print("\(found) \(missed) \(gaps) \(bytes) \(Int(cpu() / 1e6)) \(longest / 1_000_000)")
}

let arguments = CommandLine.arguments
if arguments.count > 3, arguments[1] == "follow" {
    follow(arguments[2], arguments[3...].compactMap { Int32($0) })
} else if arguments.count == 3, arguments[1] == "checksum", let rounds = Int(arguments[2]) {
    checksum(rounds)
} else {
    print("usage: checksum ROUNDS | follow DATABASE SECONDS PID…")
    exit(2)
}
