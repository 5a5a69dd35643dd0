import Model
import Syscalls
import TestSupport
import Testing

@testable import Fanotify

@Suite struct FilesystemMarksTests {
    @Test func onlyTheMarksOfFilesystemsAreRead() {
        let lines = """
            pos:	0
            flags:	04002
            fanotify flags:4e12 event-flags:80000
            fanotify sdev:800001 mflags:0 mask:1000008c ignored_mask:0
            fanotify mnt_id:1f mflags:0 mask:1 ignored_mask:0
            fanotify ino:2 sdev:700000 mflags:0 mask:2 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:0200
            fanotify sdev:25 mflags:0 mask:1000 ignored_mask:0

            """
        let marks = NotificationGroup.filesystemMarks(in: Array(lines.utf8))
        #expect(marks == [0x801: EventMask(rawValue: 0x1000_008C), 0x25: .openExec])
    }

    @Test(Privilege.required) func aMarkVanishesWithItsFilesystem() throws {
        let filesystem = try LoopFilesystem(.ext4)
        let group = try NotificationGroup(.directoryNamesAndTargets)
        let device = try RawPath(filesystem.path).status().device
        #expect(try group.filesystemMarks()[device] == nil)
        try group.addMark(.filesystem, mask: [.create, .rename, .onDirectory], at: RawPath(filesystem.path))
        let mask = try #require(try group.filesystemMarks()[device])
        #expect(mask.isSuperset(of: [.create, .rename]))
        try filesystem.unmount()
        #expect(try group.filesystemMarks()[device] == nil)
    }
}
