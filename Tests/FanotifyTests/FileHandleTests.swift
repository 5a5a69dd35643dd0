import Fanotify
import Model
import TestData
import Testing

/// Handles as keys and as identities.
@Suite struct FileHandleTests {
    @Test func anExt4HandleIsInodeAndGeneration() {
        let handle = make([0x2A, 1, 0, 0, 0xEF, 0xBE, 0xAD, 0xDE], type: 1)
        #expect(handle.identity == FileIdentity(filesystem: EventBytes.filesystem, inode: 0x12A, generation: 0xEF))
    }

    @Test func aTmpfsHandleIsGenerationAndBothHalvesOfTheInode() {
        let handle = make([0xEF, 0xBE, 0xAD, 0xDE, 0x2A, 0, 0, 0, 1, 0, 0, 0], type: 1)
        #expect(
            handle.identity == FileIdentity(filesystem: EventBytes.filesystem, inode: 0x1_0000_002A, generation: 0xEF))
    }

    @Test func anXFSHandleIsInodeAndGeneration() {
        let handle = make([0x2A, 0, 0, 0, 1, 0, 0, 0, 0xEF, 0xBE, 0, 0], type: 0x81)
        #expect(
            handle.identity == FileIdentity(filesystem: EventBytes.filesystem, inode: 0x1_0000_002A, generation: 0xEF))
    }

    @Test func aFUSEHandleIsBothHalvesOfTheNodeAndGeneration() {
        let handle = make(
            [1, 0, 0, 0, 0x2A, 0, 0, 0, 0xEF, 0, 0, 0], type: 0x81, filesystem: FilesystemID(rawValue: 0))
        #expect(
            handle.identity
                == FileIdentity(filesystem: FilesystemID(rawValue: 0), inode: 0x1_0000_002A, generation: 0xEF))
    }

    @Test func aBtrfsHandleIsObjectRootAndGeneration() {
        let handle = make([1, 1, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0xEF, 0, 0, 0], type: 0x4D)
        #expect(
            handle.identity
                == FileIdentity(filesystem: EventBytes.filesystem, inode: 257, root: 5, generation: 0xEF))
    }

    @Test func anUnknownHandleIsAHashThatIsTheSameEveryTime() {
        let bytes = [UInt8](1...32)
        let identity = make(bytes, type: 0xF8).identity
        #expect(identity?.root == FileIdentity.opaqueRoot)
        #expect(identity == make(bytes, type: 0xF8).identity)
        #expect(identity != make(bytes.reversed(), type: 0xF8).identity)
        // Written into stores: another value would make one file two.
        #expect(identity?.inode == 5_092_722_739_882_690_021)
    }

    @Test func noHandleIsNoFile() {
        #expect(make([], type: 255).identity == nil)
    }

    @Test(arguments: Array(0...128))
    func handlesAreEqualWhereTypeAndBytesAre(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 1) }
        let handle = make(bytes, type: 1)
        #expect(handle.byteCount == count)
        #expect(handle.isWhole == (count <= FileHandle.inlineByteCount))
        #expect(handle == make(bytes, type: 1))
        #expect(handle.hashValue(seed: 5) == make(bytes, type: 1).hashValue(seed: 5))
        #expect(handle != make(bytes, type: 2))
        #expect(handle != make(bytes + [0], type: 1))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(handle != make(other, type: 1))
            #expect(handle.hashValue(seed: 5) != make(other, type: 1).hashValue(seed: 5))
        }
    }

    @Test func aHandleIsThirtyTwoBytesWithoutReferences() {
        #expect(MemoryLayout<FileHandle>.stride == 32)
    }

    private func make(
        _ bytes: [UInt8], type: Int32, filesystem: FilesystemID = EventBytes.filesystem
    ) -> FileHandle {
        let view = HandleView(
            filesystem: filesystem, bytes: ByteRange(offset: 0, byteCount: UInt32(bytes.count)), type: type)
        // SAFETY: every byte of the array is initialized.
        return FileHandle(view, in: unsafe bytes.span.bytes)
    }
}
