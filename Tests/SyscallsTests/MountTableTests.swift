import Model
import Testing

@testable import Syscalls

/// Lines of /proc/PID/mountinfo, and the memory limits that are found through them.
@Suite struct MountTableTests {
    @Test func aLineHasEveryField() throws {
        let line = "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root ro,errors=continue\n"
        let mount = try #require(MountTable.parse(Array(line.utf8)).first)
        #expect(mount.id == 36 && mount.parentID == 35)
        #expect(mount.device == 98 << 8)
        #expect(mount.root == RawPath("/mnt1") && mount.mountPoint == RawPath("/mnt2"))
        #expect(mount.filesystemType == RawPath("ext3") && mount.source == RawPath("/dev/root"))
        #expect(mount.isReadOnly && !mount.isNoSUID)
        #expect(mount.superblockOptions == RawPath("ro,errors=continue"))
    }

    @Test func escapedBytesAreTheirBytes() throws {
        let line = #"1 2 0:5 / /a\040b\011c\012d\134e\303\251 rw,nosuid - tmpfs no\040ne rw"# + "\n"
        let mount = try #require(MountTable.parse(Array(line.utf8)).first)
        #expect(mount.mountPoint == RawPath("/a b\tc\nd\\eé"))
        #expect(mount.source == RawPath("no ne"))
        #expect(mount.isNoSUID)
    }

    @Test func aBackslashWithoutDigitsStands() throws {
        let line = #"1 2 0:5 / /a\04 rw - tmpfs none rw"# + "\n"
        #expect(try #require(MountTable.parse(Array(line.utf8)).first).mountPoint == RawPath(#"/a\04"#))
    }

    @Test(arguments: [
        "", "1", "1 2 3 / / rw - t s o", "1 2 0:5 / / rw", "1 2 0:5 / / rw -", "1 2 0:5 / / rw - tmpfs",
        "x 2 0:5 / / rw - t s o",
        "1 2 0:5", "- - - - - - -",
    ])
    func linesOfAnotherFormAreLeftOut(line: String) {
        #expect(MountTable.parse(Array((line + "\n").utf8)).isEmpty)
    }

    @Test func thisMachinesMountsAreKnownToStat() throws {
        let mounts = try MountTable.current()
        let root = try #require(mounts.last { $0.mountPoint == RawPath("/") })
        #expect(root.device == (try RawPath("/").status().device))
        #expect(mounts.contains { $0.mountPoint == RawPath("/proc") && $0.filesystemType == RawPath("proc") })
    }

    @Test func theSmallestLimitOnTheWayUpCounts() {
        let mounts = MountTable.parse(Array("1 0 0:5 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n".utf8))
        let files = [
            "/sys/fs/cgroup/a/b/c/memory.max": "max\n", "/sys/fs/cgroup/a/b/memory.max": "268435456\n",
            "/sys/fs/cgroup/a/memory.max": "1073741824\n",
        ]
        #expect(find("0::/a/b/c\n", mounts, files) == .limited(268_435_456))
        #expect(find("0::/a\n", mounts, files) == .limited(1_073_741_824))
        // The root group has no file.
        #expect(find("0::/\n", mounts, files) == .unlimited)
    }

    @Test func theOlderHierarchySaysNoLimitByALargeNumber() {
        let mounts = MountTable.parse(
            Array(
                """
                1 0 0:5 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
                2 0 0:6 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory

                """.utf8))
        let root = ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"]
        #expect(find("4:cpu:/c\n3:memory:/m\n", mounts, root) == .unlimited)
        let limited = root.merging(["/sys/fs/cgroup/memory/m/memory.limit_in_bytes": "4096\n"]) { $1 }
        #expect(find("4:cpu:/c\n3:memory:/m\n", mounts, limited) == .limited(4_096))
    }

    @Test func aContainerSeesOnlyItsPartOfTheHierarchy() {
        let mounts = MountTable.parse(
            Array("1 0 0:6 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n".utf8))
        let files = ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "65536"]
        #expect(find("3:memory:/docker/x\n", mounts, files) == .limited(65_536))
    }

    @Test func withoutAHierarchyItIsUnknown() {
        #expect(find("", [], [:]) == .unknown)
        #expect(find("0::/\n", [], [:]) == .unknown)
        let mounts = MountTable.parse(Array("1 0 0:6 / /m rw - cgroup cgroup rw,memory\n".utf8))
        #expect(find("3:memory:/x\n", mounts, [:]) == .unknown)
    }

    private func find(_ groups: String, _ mounts: [MountEntry], _ files: [String: String]) -> MemoryLimit {
        MemoryLimit.find(groups: Array(groups.utf8), mounts: mounts) { path in
            files[path.lossyText].map { Array($0.utf8) }
        }
    }
}
