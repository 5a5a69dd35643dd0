import Glibc
import Model
import Synchronization
import Syscalls
import TestSupport
import Testing

/// Processes, threads, signals and what wakes them, on the real kernel.
@Suite struct ProcessTests {
    @Test func aLiveProcessIsDescribed() throws {
        let place = try TemporaryDirectory()
        // A name with everything that could confuse: blanks, parentheses, a newline.
        let program = place.appending("a) b\n(c")
        try runSuccessfully("cp", ["/bin/sleep", program])
        let child = try ChildProcess([RawPath(program), RawPath("100"), RawPath("200")])
        defer {
            try? child.send(signal: SIGKILL)
            _ = try? child.wait()
        }
        var buffer: [UInt8] = []
        guard let process = try ProcessDirectory(pid: child.pid) else {
            Issue.record("the process is not found")
            return
        }
        // Until execve(2) is done, the child is still a copy of this process.
        while try process.readExecutable(into: &buffer) != .path || RawPath(buffer) != RawPath(program) {
            Clock.sleep(nanoseconds: 1_000_000)
        }
        // The arguments are set a little after the program.
        while try process.readCommandLine(upTo: 4_096, into: &buffer), buffer.isEmpty {
            Clock.sleep(nanoseconds: 1_000_000)
        }
        let stat = try #require(try process.readStat(into: &buffer))
        #expect(Array(buffer[stat.comm]) == Array("a) b\n(c".utf8))
        #expect(stat.parentPID == getpid())
        let started = BootClock().instant(ofTicks: stat.startTicks)
        #expect(started <= Clock.realtime() && started > Clock.realtime().advanced(byNanoseconds: -60_000_000_000))
        let ids = try #require(try process.readCredentials(into: &buffer))
        #expect(ids.effectiveUID == geteuid() && ids.effectiveGID == getegid() && ids.realUID == getuid())
        #expect(try process.readCommandLine(upTo: 4_096, into: &buffer))
        #expect(buffer == Array(program.utf8) + [0] + Array("100\u{0}200\u{0}".utf8))
        #expect(try process.readCommandLine(upTo: 5, into: &buffer))
        #expect(buffer.count == 5)
        #expect(try process.readControlGroup(into: &buffer))
        #expect(try process.executableStatus()?.inode == RawPath(program).status().inode)
        try Files.unlink(RawPath(program))
        #expect(try process.readExecutable(into: &buffer) == .deleted)
        #expect(RawPath(buffer) == RawPath(program))
    }

    @Test func aZombieHasANameButNoProgram() throws {
        let child = try ChildProcess([RawPath("/bin/true")])
        let ended = try child.openDescriptor()
        var set = PollSet(reading: [ended.fileDescriptor])
        #expect(try set.wait(timeoutNanoseconds: 10_000_000_000) == 1)
        guard let process = try ProcessDirectory(pid: child.pid) else {
            Issue.record("the zombie is not found")
            return
        }
        var buffer: [UInt8] = []
        let stat = try #require(try process.readStat(into: &buffer))
        #expect(stat.isZombie)
        #expect(Array(buffer[stat.comm]) == Array("true".utf8))
        #expect(try process.readExecutable(into: &buffer) == .none)
        #expect(try process.executableStatus() == nil)
        #expect(try process.readCommandLine(upTo: 4_096, into: &buffer))
        #expect(buffer.isEmpty)
        #expect(try child.wait() == .exited(0))
        // Reaped: the same open directory says gone, and never speaks of a later process with the pid.
        #expect(try process.readStat(into: &buffer) == nil)
        #expect(try process.readCredentials(into: &buffer) == nil)
        #expect(try process.readCommandLine(upTo: 4_096, into: &buffer) == false)
        #expect(try process.readControlGroup(into: &buffer) == false)
        #expect(try process.readLoginUID(into: &buffer) == nil)
        #expect(try process.readExecutable(into: &buffer) == .none)
    }

    @Test(arguments: [Int32(0), -1, .min, .max])
    func aPidNobodyHasIsNobody(pid: Int32) throws {
        let process = try ProcessDirectory(pid: pid)
        #expect(process == nil ? true : false)
    }

    @Test func forksAreCounted() throws {
        var buffer: [UInt8] = []
        let before = try #require(try ProcFS.forkCount(into: &buffer))
        _ = try ChildProcess([RawPath("/bin/true")]).wait()
        #expect(try #require(try ProcFS.forkCount(into: &buffer)) > before)
        #expect(try ProcFS.maximumPID() > 300)
    }

    @Test func aChildGetsWhatItIsGiven() throws {
        let result = try run(
            "/bin/sh", ["-c", "pwd; echo \"$ONE,$HOME\"; echo fail >&2; exit 3"], environment: ["ONE=1"],
            directory: "/usr")
        #expect(result.outputText == "/usr\n1,\n")
        #expect(result.errorText == "fail\n")
        #expect(result.status == 3)
    }

    @Test func aProgramThatIsNotThereIsNamed() {
        let error = #expect(throws: SyscallError.self) { try ChildProcess([RawPath("/nonexistent/program")]) }
        #expect(error?.errno == ENOENT && error?.subject == RawPath("/nonexistent/program"))
    }

    @Test func aChildThatOverstaysIsKilled() throws {
        let result = try run("/bin/sleep", ["100"], timeoutSeconds: 1)
        #expect(result.timedOut && result.status == 128 + SIGKILL)
    }

    @Test func aChildHasNoSignalBlocked() throws {
        // The blocked set of a thread that blocks TERM, seen from its child.
        let seen = Mutex<String>("")
        let thread = try OSThread(name: "blocks") {
            let signals = try? SignalDescriptor([SIGTERM])
            let result = try? run("/bin/grep", ["SigBlk", "/proc/self/status"])
            seen.withLock { $0 = result?.outputText ?? "" }
            _ = signals?.fileDescriptor
        }
        thread.join()
        #expect(seen.withLock { $0 } == "SigBlk:\t0000000000000000\n")
    }

    @Test func aSignalIsReadInsteadOfTaken() throws {
        let seen = Mutex<Int32?>(nil)
        let thread = try OSThread(name: "signals") {
            guard let signals = try? SignalDescriptor([SIGUSR1]) else { return }
            var set = PollSet(reading: [signals.fileDescriptor])
            pthread_kill(pthread_self(), SIGUSR1)
            _ = try? set.wait(timeoutNanoseconds: 10_000_000_000)
            seen.withLock { $0 = try? signals.next() }
        }
        thread.join()
        #expect(seen.withLock { $0 } == SIGUSR1)
    }

    @Test func aThreadHasItsNameAndIsJoined() throws {
        let name = Mutex<[UInt8]>([])
        let thread = try OSThread(name: "varve-a-long-name", stackByteCount: 70_000) {
            let text = try? Files.contents(of: RawPath("/proc/thread-self/comm"))
            name.withLock { $0 = text ?? [] }
        }
        thread.join()
        #expect(name.withLock { $0 } == Array("varve-a-long-na\n".utf8))
    }

    @Test func anEventDescriptorWakesUntilItIsCleared() throws {
        let event = try EventDescriptor()
        let atFirst = event.wait(timeoutNanoseconds: 0)
        event.signal()
        event.signal()
        let afterSignals = event.wait(timeoutNanoseconds: 0)
        let firstClear = event.clear()
        let secondClear = event.clear()
        let atLast = event.wait(timeoutNanoseconds: 1_000)
        #expect([atFirst, afterSignals, firstClear, secondClear, atLast] == [false, true, true, false, false])
    }

    @Test func aTimerRings() throws {
        let timer = try TimerDescriptor()
        try timer.arm(delayNanoseconds: 1, intervalNanoseconds: 1_000_000)
        var set = PollSet(reading: [timer.fileDescriptor])
        #expect(try set.wait(timeoutNanoseconds: 10_000_000_000) == 1)
        let rings = timer.clear()
        #expect(rings >= 1)
        try timer.disarm()
        _ = timer.clear()
        #expect(try set.wait(timeoutNanoseconds: 5_000_000) == 0)
    }

    @Test func clocksGoForward() {
        #expect(Clock.monotonic() > 0 && Clock.boottime() >= Clock.monotonic() - 1_000_000)
        let before = Clock.realtime()
        Clock.sleep(nanoseconds: 1_000)
        #expect(Clock.realtime() > before)
        #expect(Clock.processCPU() > 0 && Clock.threadCPU() > 0)
    }

    @Test func theBootAndTheHostHaveIdentities() throws {
        #expect(try HostIdentity.bootID().count == 16)
        #expect(try HostIdentity.bootID() == HostIdentity.bootID())
        #expect(HostIdentity.randomUUID() != HostIdentity.randomUUID())
        #expect(HostIdentity.randomUUID()[6] >> 4 == 4)
        #expect(!HostIdentity.hostName().bytes.isEmpty)
    }
}
