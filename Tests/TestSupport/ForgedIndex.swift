/// Sets a word of both copies of the header of a write-ahead log's index, and makes its checksum right again.
///
/// Parameter index: the bytes of a `-shm` file, at least its header. In the order of this machine, which is little-endian.
package func forgeIndex(_ index: inout [UInt8], at offset: Int, _ value: UInt32) {
    func word(_ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(index[offset + $1]) << UInt32(8 * $1) }
    }
    for byte in 0..<4 { index[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt32(8 * byte)) }
    var (first, second): (UInt32, UInt32) = (0, 0)
    for place in stride(from: 0, to: 40, by: 8) {
        first = first &+ word(place) &+ second
        second = second &+ word(place + 4) &+ first
    }
    for byte in 0..<4 {
        index[40 + byte] = UInt8(truncatingIfNeeded: first >> UInt32(8 * byte))
        index[44 + byte] = UInt8(truncatingIfNeeded: second >> UInt32(8 * byte))
    }
    for byte in 0..<48 { index[48 + byte] = index[byte] }
}
