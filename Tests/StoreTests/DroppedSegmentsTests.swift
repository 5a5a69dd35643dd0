import Block
import Model
import Segment
import Store
import Syscalls
import TestSupport
import Testing

@Suite struct DroppedSegmentsTests {
    /// The image behind a filesystem holds what its disk would after a loss of power: what is only in the page cache is not
    /// in it.
    @Test(Privilege.required)
    func aLossOfPowerBringsBackNoRowWithoutItsFile() throws {
        let filesystem = try LoopFilesystem(.ext4)
        let scene = try StoreScene()
        _ = try SegmentStoreTests.fill(scene, segments: 3)
        try runSuccessfully("cp", ["-a", scene.path.lossyText, filesystem.path])
        let store = RawPath(filesystem.appending("store"))
        do {
            var writer = try StoreWriter(directory: store, create: false)
            var additions = Additions()
            additions.capture.bases = [
                try MadeStream.base(SegmentFiles(store: store), SegmentStoreTests.uuid, commit: 4).0
            ]
            try writer.append(additions)
            try writer.sync()
            try runSuccessfully("sync", ["-f", filesystem.path])
            let limits = RetentionLimits(maxAgeNanoseconds: 1)
            #expect(try writer.enforce(limits, now: MadeStream.moment(1_000_000)).byteCount > 0)
            // Somebody else's file takes the removal of names to the disk, and of the store only what was synced.
            let other = filesystem.appending("other")
            try runSuccessfully("dd", ["if=/dev/zero", "of=\(other)", "bs=1", "count=1", "conv=fsync", "status=none"])
            try runSuccessfully(
                "cp", ["--sparse=always", "\(filesystem.path)/../image", scene.directory.appending("cut")])
        }
        let after = scene.directory.appending("after")
        try Files.makeDirectory(RawPath(after), mode: 0o755)
        try runSuccessfully("mount", ["-o", "loop", scene.directory.appending("cut"), after])
        defer { _ = try? run("umount", [after]) }
        let reader = try StoreReader(directory: RawPath("\(after)/store"))
        let segments = try reader.segments(of: SegmentStoreTests.uuid)
        let bases = try reader.baseImages(of: SegmentStoreTests.uuid)
        #expect(segments.count == 1 && bases.count == 1)
        for row in segments { try reader.segmentFiles.verify(row) }
        for row in bases { try reader.segmentFiles.verify(row) }
    }
}
