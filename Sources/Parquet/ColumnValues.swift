/// The values of one column in the row group at hand.
struct ColumnValues {
    let column: ParquetColumn
    /// Of a column without a dictionary: the values of the rows that have one.
    private var numbers: [Int64] = []
    /// Of an optional column without a dictionary: whether each row has a value.
    private var presences: [Bool] = []
    /// Of a column with a dictionary: the place of each row's value in it, `absent` where there is none.
    private var places: [UInt32] = []
    private static let absent = UInt32.max
    private var texts: [[UInt8]] = []
    private var textPlaces: [[UInt8]: UInt32] = [:]
    private var words: [Int64] = []
    private var wordPlaces: [Int64: UInt32] = [:]

    /// How many rows there are, and how many of them have a value.
    private(set) var rowCount = 0
    private(set) var valueCount = 0
    /// What the dictionary's texts take.
    private(set) var dictionaryByteCount = 0

    init(_ column: ParquetColumn) {
        self.column = column
    }

    var nullCount: Int { rowCount - valueCount }

    mutating func removeAll() {
        numbers.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        presences.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        textPlaces.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        wordPlaces.removeAll(keepingCapacity: true)
        rowCount = 0
        valueCount = 0
        dictionaryByteCount = 0
    }

    /// The place of a text in the dictionary.
    mutating func place(of text: [UInt8]) -> UInt32 {
        if let place = textPlaces[text] { return place }
        let place = UInt32(texts.count)
        texts.append(text)
        textPlaces[text] = place
        dictionaryByteCount += text.count
        return place
    }

    /// The place of a number in the dictionary.
    mutating func place(of number: Int64) -> UInt32 {
        if let place = wordPlaces[number] { return place }
        let place = UInt32(words.count)
        words.append(number)
        wordPlaces[number] = place
        return place
    }

    /// Range: only of a column with a dictionary; nil only of an optional one. So for numbers.
    mutating func append(place: UInt32?) {
        precondition(column.encoding == .dictionary && (column.isOptional || place != nil), "no such value")
        places.append(place ?? Self.absent)
        rowCount += 1
        if place != nil { valueCount += 1 }
    }

    mutating func append(number: Int64?) {
        guard column.encoding != .dictionary else {
            append(place: number.map { place(of: $0) })
            return
        }
        precondition(column.isOptional || number != nil, "a required column without a value")
        if let number { numbers.append(number) }
        if column.isOptional { presences.append(number != nil) }
        rowCount += 1
        if number != nil { valueCount += 1 }
    }

    // MARK: Pages

    /// The content of the dictionary page and how many values it has; nil where the column has none in this row group.
    var dictionaryPage: (content: [UInt8], count: Int)? {
        guard column.encoding == .dictionary, valueCount > 0 else { return nil }
        var bytes: [UInt8] = []
        if column.holdsBytes {
            bytes.reserveCapacity(dictionaryByteCount + 4 * texts.count)
            for text in texts {
                bytes.append(littleEndian: UInt32(text.count))
                bytes.append(contentsOf: text)
            }
            return (bytes, texts.count)
        }
        for word in words { bytes.append(littleEndian: word) }
        return (bytes, words.count)
    }

    /// How the data page's values are encoded: without any value there is neither a dictionary nor a first number.
    var dataEncoding: Int32 {
        guard valueCount > 0 else { return ParquetCode.plain }
        return switch column.encoding {
        case .delta: ParquetCode.deltaBinaryPacked
        case .dictionary: ParquetCode.dictionary
        case .plain: ParquetCode.plain
        }
    }

    /// The content of the data page: levels where the column is optional, then the values.
    var dataPage: [UInt8] {
        var bytes: [UInt8] = []
        if column.isOptional {
            var runs: [UInt8] = []
            let levels: [UInt32] =
                column.encoding == .dictionary
                ? places.map { $0 == Self.absent ? 0 : 1 } : presences.map { $0 ? 1 : 0 }
            RunCoding.append(levels, width: 1, to: &runs)
            bytes.append(littleEndian: UInt32(runs.count))
            bytes.append(contentsOf: runs)
        }
        guard valueCount > 0 else { return bytes }
        switch column.encoding {
        case .delta: DeltaCoding.append(numbers, to: &bytes)
        case .dictionary:
            let count = column.holdsBytes ? texts.count : words.count
            // Some readers take a width of 0 for an error.
            let width = max(1, Int.bitWidth - (count - 1).leadingZeroBitCount)
            bytes.append(UInt8(width))
            RunCoding.append(places.filter { $0 != Self.absent }, width: width, to: &bytes)
        case .plain:
            var packer = BitPacker(width: 1)
            for number in numbers { packer.append(number == 0 ? 0 : 1, to: &bytes) }
            packer.finish(into: &bytes)
        }
        return bytes
    }

    /// A text that is longer has no place in the statistics.
    private static let maximumStatisticsByteCount = 256

    /// The least and the greatest value in their PLAIN form; nil where there is none, or a text that is too long.
    var bounds: (least: [UInt8], greatest: [UInt8])? {
        guard valueCount > 0 else { return nil }
        if column.holdsBytes {
            guard let least = texts.min(by: { $0.lexicographicallyPrecedes($1) }),
                let greatest = texts.max(by: { $0.lexicographicallyPrecedes($1) }),
                max(least.count, greatest.count) <= Self.maximumStatisticsByteCount
            else { return nil }
            return (least, greatest)
        }
        let values = column.encoding == .dictionary ? words : numbers
        let isLess: (Int64, Int64) -> Bool =
            column.kind == .unsigned ? { UInt64(bitPattern: $0) < UInt64(bitPattern: $1) } : { $0 < $1 }
        guard let least = values.min(by: isLess), let greatest = values.max(by: isLess) else { return nil }
        func plain(_ value: Int64) -> [UInt8] {
            guard column.kind != .flag else { return [value == 0 ? 0 : 1] }
            var bytes: [UInt8] = []
            bytes.append(littleEndian: value)
            return bytes
        }
        return (plain(least), plain(greatest))
    }
}
