/// Texts of the entries of a block's dictionary, made when they are first needed and kept for as long as they are not too many:
/// events of one process follow one another, but command lines can be long.
///
/// Memory: `greatestByteCount`, and 8 bytes for each entry.
struct BlockTexts {
    private static let greatestByteCount = 1 << 20

    private var texts: [[UInt8]]
    private var byteCount = 0

    /// Parameter count: of the dictionary's entries.
    init(count: Int) {
        texts = Array(repeating: [], count: count)
    }

    /// The text of an entry, which is not empty. Range: `index` below the count.
    @inline(__always)
    mutating func text(_ index: Int, _ make: () -> [UInt8]) -> [UInt8] {
        if !texts[index].isEmpty { return texts[index] }
        let text = make()
        if byteCount + text.count > Self.greatestByteCount { self = BlockTexts(count: texts.count) }
        byteCount += text.count
        texts[index] = text
        return text
    }
}
