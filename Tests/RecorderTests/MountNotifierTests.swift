import Model
import Syscalls
import TestSupport
import Testing

@testable import Recorder

@Suite struct MountNotifierTests {
    /// With the kernel's notices, and with the mount table where it has none.
    @Test(Privilege.required, arguments: [false, true])
    func aMountAndItsEndAreToldAtOnce(usesTable: Bool) throws {
        var notifier = try MountNotifier(usesTable: usesTable)
        #expect(usesTable ? notifier.name == "mountinfo" : ["fanotify", "mountinfo"].contains(notifier.name))
        let waker = try Waker()
        var set = notifier.pollSet(with: waker)
        // The first look at a mount table may tell of changes from before.
        try set.wait(timeoutNanoseconds: 0)
        notifier.clear()
        let place = try TemporaryDirectory()
        for command in [["mount", "-t", "tmpfs", "none", place.path], ["umount", place.path]] {
            try runSuccessfully(command[0], Array(command.dropFirst()))
            try set.wait(timeoutNanoseconds: 10_000_000_000)
            #expect(set.isReady(at: 1), "\(command[0])")
            notifier.clear()
        }
    }

    @Test func aWakerEndsTheWait() throws {
        let notifier = try MountNotifier(usesTable: true)
        let waker = try Waker()
        var set = notifier.pollSet(with: waker)
        waker.wake()
        try set.wait(timeoutNanoseconds: 10_000_000_000)
        #expect(set.isReady(at: 0))
    }
}
