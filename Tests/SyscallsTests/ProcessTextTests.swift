import Model
import Testing

@testable import Syscalls

/// What the files of /proc/PID say, from given bytes.
@Suite struct ProcessTextTests {
    private static let rest = " S 17 4 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 8192 100 1844674407370955\n"

    @Test(arguments: [
        "bash",
        // Blanks and parentheses are allowed in a name,
        "a b", "(sd-pam)", ") S 1 2 (", "",
        // and so are newlines, which could look like another line.
        "x)\n1 (y) Z 1",
    ])
    func aNameOfAnyBytesDoesNotShiftTheFields(name: String) throws {
        let line = Array("4242 (\(name))\(Self.rest)".utf8)
        let stat = try #require(ProcessStat(line))
        #expect(Array(line[stat.comm]) == Array(name.utf8))
        #expect(stat.state == UInt8(ascii: "S"))
        #expect(stat.parentPID == 17)
        #expect(stat.startTicks == 987_654)
        #expect(stat.terminal == nil)
        #expect(!stat.isZombie)
    }

    @Test(arguments: [
        "", "42", "42 (x", "42 x) S 1", "42 )x( S 1", "42 (x)", "42 (x) S", "42 (x) S one", "42 (x) S 1 2 3",
        // A number that does not fit.
        "42 (x) S 99999999999" + String(repeating: " 1", count: 40),
        "42 (x) S 1" + String(repeating: " 1", count: 17) + " 99999999999999999999999",
    ])
    func linesOfAnotherFormAreNothing(line: String) {
        #expect(ProcessStat(Array(line.utf8)) == nil)
    }

    @Test func theTerminalIsItsDeviceNumber() throws {
        let line = "42 (x) S 17 4 5 34816 6" + Self.rest.dropFirst(" S 17 4 5 0 -1".count)
        let stat = try #require(ProcessStat(Array(line.utf8)))
        #expect(stat.terminal == 34_816)
        #expect(stat.startTicks == 987_654)
    }

    @Test func aProcessThatEndedIsAZombie() throws {
        let line = "42 (x) Z" + Self.rest.dropFirst(2)
        #expect(try #require(ProcessStat(Array(line.utf8))).isZombie)
    }

    @Test func idsAreFoundBehindAnyName() throws {
        // The kernel writes a newline of the name as \n, so the second line is the first that can start with Uid.
        let text = "Name:\tUid:\\nUid:\t9\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1003\nGid:\t2000\t2001\t2002\t2003\n"
        let ids = try #require(ProcessCredentials(Array(text.utf8)))
        #expect(ids.realUID == 1_000 && ids.effectiveUID == 1_001)
        #expect(ids.realGID == 2_000 && ids.effectiveGID == 2_001)
    }

    @Test(arguments: [
        "", "Name:\tx\n", "Name:\tx\nUid:\t1\n", "Name:\tx\nUid:\t1\t2\t3\t4\n", "Name:\tx\nUid:\t-1\t2\nGid:\t1\t2\n",
    ])
    func idsThatAreMissingAreNothing(text: String) {
        #expect(ProcessCredentials(Array(text.utf8)) == nil)
    }

    @Test func argumentsAreJoinedByBlanks() {
        var line = Array("sh\0-c\0echo 'a  b'\0\0\0".utf8)
        ProcFS.joinArguments(&line)
        #expect(line == Array("sh -c echo 'a  b'".utf8))
        var empty: [UInt8] = []
        ProcFS.joinArguments(&empty)
        #expect(empty == [])
    }

    @Test(arguments: [
        // The unified hierarchy tells most,
        ("0::/system.slice/x.service\n", "/system.slice/x.service"),
        // unless it is the root and an older one says more.
        ("4:memory:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n", "/docker/abc"),
        ("4:memory:/\n1:name=systemd:/user.slice\n0::/\n", "/user.slice"),
        ("4:memory:/m\n0::/\n", "/m"),
        // A path may hold colons.
        ("0::/a:b\n", "/a:b"),
    ])
    func theControlGroupThatSaysMostIsTaken(lines: String, path: String) {
        let bytes = Array(lines.utf8)
        #expect(ControlGroup.path(in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) } == path)
    }

    @Test(arguments: ["", "0::/\n", "nonsense\n", "1:cpu\n", "::"])
    func noControlGroupIsNone(lines: String) {
        #expect(ControlGroup.path(in: Array(lines.utf8)) == nil)
    }

    @Test func ticksBecomeMomentsAndSaturate() {
        let clock = BootClock(bootInstant: Instant(nanosecondsSinceEpoch: 1_000_000_000), ticksPerSecond: 100)
        #expect(clock.instant(ofTicks: 250) == Instant(nanosecondsSinceEpoch: 3_500_000_000))
        #expect(clock.instant(ofTicks: .max) == .distantFuture)
    }

    @Test func identitiesAreReadWithAndWithoutHyphens() {
        let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xFF]
        #expect(HostIdentity.parse(Array("00010203-0405-0607-0809-0a0b0c0d0eff\n".utf8)) == bytes)
        #expect(HostIdentity.parse(Array("000102030405060708090A0B0C0D0EFF".utf8)) == bytes)
        #expect(HostIdentity.parse(Array("000102030405060708090A0B0C0D0E".utf8)) == nil)
        #expect(HostIdentity.parse(Array("0001020304050607 8090A0B0C0D0EFFx".utf8)) == nil)
    }
}
