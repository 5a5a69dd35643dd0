import Block
import Model
import Syscalls
import Testing

@testable import Recorder

@Suite struct QueueChoiceTests {
    @Test(arguments: [
        // Each row: the cgroup's limit, and whether the queue may grow without end in it.
        (MemoryLimit.unlimited, true), (.limited(1 << 30), true), (.limited((1 << 30) - 1), false), (.unknown, false),
    ])
    func autoLooksAtTheMemoryLimit(limit: MemoryLimit, isUnlimited: Bool) {
        #expect(QueueChoice(.auto, limit: limit).isUnlimited == isUnlimited)
    }

    @Test func whatWasAskedForIsDone() {
        #expect(QueueChoice(.unlimited, limit: .limited(1)).isUnlimited)
        #expect(!QueueChoice(.limited, limit: .unlimited).isUnlimited)
    }
}

@Suite struct DrainWindowTests {
    /// The thread is kept from running for `delay` at each reading of a clock.
    private struct Clocks {
        static let delay: Int64 = 5_000_000
        let offset: Int64
        var steady: Int64 = 1_000_000_000

        mutating func monotonic() -> Int64 {
            defer { steady += Self.delay }
            return steady
        }

        mutating func realtime() -> Instant { Instant(nanosecondsSinceEpoch: monotonic() + offset) }
    }

    @Test func whateverTheDelayAWindowBeginsNoLaterByTheMonotonicClock() {
        var clocks = Clocks(offset: 1_790_000_000_000_000_000)
        // What happened right after this, in the window that begins with it, has this moment by CLOCK_MONOTONIC.
        let happened = clocks.steady
        let earliest = clocks.realtime()
        let window = TimeWindow(
            since: earliest, monotonic: { clocks.monotonic() }, realtime: { clocks.realtime() })
        let begins = window.earliest.nanosecondsSinceEpoch - window.clockOffsetNanoseconds
        #expect(begins <= happened)
        #expect(window.time.nanosecondsSinceEpoch - window.clockOffsetNanoseconds >= happened)
    }

    @Test func aClockThatWasSetBackMakesNoWindowEndBeforeItBegins() {
        let earliest = Instant(nanosecondsSinceEpoch: 50)
        let window = TimeWindow(since: earliest, monotonic: { 7 }, realtime: { Instant(nanosecondsSinceEpoch: 20) })
        #expect(window.earliest == window.time && window.clockOffsetNanoseconds == 13)
    }
}

@Suite struct ContainerIDTests {
    private static let id = String(repeating: "0123456789abcdef", count: 4)

    @Test(arguments: ["/docker/\(id)", "/system.slice/docker-\(id).scope", "/kubepods/pod1/cri-containerd-\(id).scope"])
    func runtimesNameTheirGroupsByTheID(path: String) {
        #expect(ContainerID(controlGroup: path.utf8)?.text == RawPath(Self.id))
    }

    @Test(arguments: ["/", "/user.slice/user-0.slice", "/docker/abc", "/x/\(id)0"])
    func otherGroupsAreNoContainers(path: String) {
        #expect(ContainerID(controlGroup: path.utf8) == nil)
    }
}

@Suite struct BarriersTests {
    @Test func aBarrierIsOpenUntilItIsSettled() {
        let barriers = Barriers()
        let first = barriers.request()
        let second = barriers.request()
        #expect(barriers.result(of: first) == nil)
        barriers.settle(first)
        #expect(barriers.result(of: first) == .committed)
        #expect(barriers.result(of: second) == nil)
    }

    @Test func aFailureBelongsToTheBarriersItSettled() {
        let barriers = Barriers()
        let first = barriers.request()
        barriers.settle(first)
        let second = barriers.request()
        barriers.settle(second, failure: "no space")
        #expect(barriers.result(of: first) == .committed)
        #expect(barriers.result(of: second) == .failed("no space"))
        let third = barriers.request()
        barriers.settle(third)
        #expect(barriers.result(of: third) == .committed)
    }
}

@Suite struct JSONLineTests {
    @Test func textsAreEscaped() {
        var line = JSONLine(ok: true)
        line.add("a", text: "q\"b\\s\nl\u{1B}[0m")
        #expect(line.text == "{\"ok\":true,\"a\":\"q\\\"b\\\\s\\nl\\u001b[0m\"}\n")
    }
}

@Suite struct ExclusionFilterTests {
    @Test(arguments: [
        // Each row: a pattern, a path, whether it is excluded.
        ("node_modules", "/srv/a/node_modules/x/y.js", true),
        ("*.o", "/srv/a/b.o", true),
        ("*.o", "/srv/a/b.c", false),
        ("/srv/cache", "/srv/cache/x", true),
        ("/srv/cache", "/srv/cache2", false),
        ("/srv/*/tmp", "/srv/a/tmp/z", true),
    ])
    func aPatternExcludesWhatItMatchesAndAllBelow(pattern: String, path: String, isExcluded: Bool) throws {
        let filter = ExclusionFilter(patterns: [try Glob(Array(pattern.utf8))])
        var paths = PathDictionary()
        var directory: DirectoryIndex = 0
        let names = path.split(separator: "/").map { Array($0.utf8) }
        for name in names.dropLast() {
            // SAFETY: bytes have no padding, and the array outlives the call.
            directory = unsafe paths.internDirectory(parent: directory, name: name.span.bytes)
        }
        let last = names.last ?? []
        // SAFETY: as above.
        let index = unsafe paths.internPath(directory: directory, name: last.span.bytes)
        var verdicts: [ExclusionFilter.Verdict] = []
        #expect(filter.isExcluded(index, in: paths, verdicts: &verdicts) == isExcluded)
        #expect(filter.isExcluded(index, in: paths, verdicts: &verdicts) == isExcluded)
    }
}
