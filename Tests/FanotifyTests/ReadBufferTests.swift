import Glibc
import Syscalls
import Testing

@testable import Fanotify

@Suite struct ReadBufferTests {
    /// A ring of them is made at every start, and most of it is used in storms only. mincore(2).
    @Test(arguments: [ReadBuffer.minimumCapacity, 65_536, 1 << 20])
    func pagesThatNothingWasReadIntoAreNotTouched(capacity: Int) throws {
        var buffer = try ReadBuffer(capacity: capacity)
        var residency = [UInt8](repeating: 0xff, count: capacity / 4_096)
        let status = unsafe buffer.append { memory in
            // SAFETY: the vector has a byte for each page of the memory, which begins at a page and is mapped.
            unsafe Int(mincore(memory.baseAddress, memory.count, &residency)) - 1
        }
        #expect(status == -1, "mincore failed")
        #expect(residency.allSatisfy { $0 & 1 == 0 })
        #expect(buffer.byteCount == 0)
    }

    @Test func memoryThatIsNotThereIsAnError() {
        #expect(throws: SyscallError(call: "mmap", errno: ENOMEM)) { _ = try ReadBuffer(capacity: 1 << 60) }
    }
}
