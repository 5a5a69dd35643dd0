import Model
import Syscalls
import Testing

@testable import Recorder

@Suite struct MarkPlanTests {
    private let mounts = MountTable.parse(
        Array(
            """
            20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
            21 20 0:5 / /proc rw - proc proc rw
            22 20 8:2 / /home rw - xfs /dev/sda2 rw
            23 20 8:1 /srv/data /mnt/data rw - ext4 /dev/sda1 rw
            24 20 0:30 / /srv/app rw - overlay overlay rw
            25 20 0:31 / /tmp rw - tmpfs tmpfs rw
            26 22 8:3 / /home/shared rw - ext4 /dev/sda3 rw

            """.utf8))

    @Test func withoutPathsEveryRealFilesystemIsRecordedOnce() {
        let plan = MarkPlan(paths: [], scope: .auto, mounts: mounts)
        #expect(
            plan.targets.filter(\.isRecorded).map(\.mountPoint.lossyText).sorted() == [
                "/", "/home", "/home/shared", "/tmp",
            ])
        #expect(!plan.isRestricted)
        #expect(plan.omissions.map(\.path) == [RawPath("/srv/app")])
    }

    @Test func whereTheKernelDoesNotTellWhatIsWrittenThroughAnOverlayItsLayerIsNamed() {
        let line = "27 20 0:32 / /run/m rw - overlay o rw,lowerdir=/l,upperdir=/home/up,workdir=/home/work\n"
        let mounts = mounts + MountTable.parse(Array(line.utf8))
        func omitted(_ paths: [String], seesBelow: Bool = false) -> [RawPath] {
            MarkPlan(paths: paths.map { RawPath($0) }, scope: .auto, mounts: mounts, seesBelowOverlays: seesBelow)
                .omissions.map(\.path)
        }
        let app = RawPath("/srv/app")
        #expect(omitted([], seesBelow: true) == [app])
        #expect(omitted([]) == [app, RawPath("/home/up")])
        #expect(omitted(["/home"]) == [RawPath("/home/up")])
        #expect(omitted(["/home/shared"]) == [])
        #expect(omitted(["/tmp"]) == [])
    }

    @Test(arguments: ["fuse", "fuse.sshfs", "fuseblk"])
    func whatIsOnAFUSEFilesystemIsNotCoveredUnlessItIsNamed(type: String) {
        let mounts = mounts + MountTable.parse(Array("27 20 0:33 / /mnt/far rw - \(type) x rw\n".utf8))
        #expect(MarkPlan(paths: [], scope: .auto, mounts: mounts).omissions.map(\.path.lossyText).contains("/mnt/far"))
        let named = MarkPlan(paths: [RawPath("/mnt/far")], scope: .auto, mounts: mounts)
        #expect(named.targets.contains { $0.mountPoint == RawPath("/mnt/far") && $0.isRecorded })
        let state = MountTable.parse(Array("27 20 0:33 / /var/lib/lxcfs rw - fuse.lxcfs x rw\n".utf8))
        #expect(MarkPlan(paths: [], scope: .auto, mounts: state).omissions == [])
    }

    @Test func aPathRestrictsAndTakesInWhatIsMountedBelow() {
        let plan = MarkPlan(paths: [RawPath("/home")], scope: .auto, mounts: mounts)
        #expect(plan.isRestricted)
        #expect(plan.tops.filter(\.isKept).map(\.path.lossyText) == ["/home", "/home/shared"])
    }

    @Test func aBindMountKeepsItsNameAndIsSeenThroughTheWholeFilesystem() {
        let plan = MarkPlan(paths: [RawPath("/mnt/data")], scope: .auto, mounts: mounts)
        let target = plan.targets.first { $0.isRecorded }
        #expect(target?.mountPoint == RawPath("/mnt/data"))
        #expect(target?.seenFrom == RawPath("/"))
        #expect(
            plan.tops.prefix(2) == [
                .init(path: RawPath("/mnt/data"), isKept: true), .init(path: RawPath("/"), isKept: false),
            ])
    }

    @Test func otherFilesystemsAreMarkedForExecOnly() {
        let plan = MarkPlan(paths: [RawPath("/tmp")], scope: .auto, mounts: mounts)
        #expect(
            plan.targets.filter { !$0.isRecorded }.map(\.mountPoint.lossyText).sorted() == [
                "/", "/home", "/home/shared",
            ])
    }

    @Test func scopeFilesystemKeepsAllOfIt() {
        let plan = MarkPlan(paths: [RawPath("/mnt/data")], scope: .filesystem, mounts: mounts)
        #expect(!plan.isRestricted)
        #expect(plan.tops.prefix(2).allSatisfy { $0.isKept })
    }

    @Test func aMountHidesTheOneBelowIt() {
        let stacked = mounts + MountTable.parse(Array("30 20 0:99 / /tmp rw - tmpfs over rw\n".utf8))
        let plan = MarkPlan(paths: [RawPath("/tmp")], scope: .auto, mounts: stacked)
        #expect(plan.targets.first { $0.isRecorded }?.device == stacked.last?.device)
    }

    @Test func aPathWithinAnotherAddsNothingButWhatTheOuterLeavesOut() {
        let paths = ["/home/a/b", "/home", "/home/a", "/home/shared/x", "/homes", "/", "/proc/1"].map { RawPath($0) }
        let plan = MarkPlan(paths: Array(paths.prefix(5)), scope: .auto, mounts: mounts)
        #expect(plan.tops.filter(\.isKept).map(\.path.lossyText) == ["/home", "/home/shared", "/homes"])
        let all = MarkPlan(paths: paths, scope: .auto, mounts: mounts)
        #expect(Set(all.tops.filter(\.isKept).map(\.path.lossyText)).isSuperset(of: ["/", "/proc/1"]))
        #expect(!all.tops.contains { $0.path == RawPath("/home/a") })
    }
}
