/// One column of a Parquet file: flat, and required or optional.
package struct ParquetColumn: Hashable, Sendable {
    /// What its values are, and how a file stores them.
    package enum Kind: Hashable, Sendable {
        /// INT64.
        case number
        /// INT64 that holds 64 bits without a sign, INTEGER(64, false).
        case unsigned
        /// INT64, TIMESTAMP(MICROS, adjusted to UTC).
        case moment
        /// BYTE_ARRAY, STRING. Range: UTF-8.
        case text
        /// BYTE_ARRAY of any bytes.
        case bytes
        /// BOOLEAN.
        case flag
    }

    /// How the values of a row group are written.
    package enum Encoding: Hashable, Sendable {
        /// DELTA_BINARY_PACKED: for numbers that follow one another.
        case delta
        /// A dictionary page and RLE_DICTIONARY: for values that repeat. The only one of texts and bytes.
        case dictionary
        /// PLAIN: the only one of flags.
        case plain
    }

    package let name: String
    package let kind: Kind
    package let encoding: Encoding
    /// False where every row has a value.
    package let isOptional: Bool

    private init(_ name: String, _ kind: Kind, _ encoding: Encoding, isOptional: Bool) {
        self.name = name
        self.kind = kind
        self.encoding = encoding
        self.isOptional = isOptional
    }

    /// A column of numbers that repeat, or, where they rise, of their differences.
    package static func number(_ name: String, isRising: Bool = false, isOptional: Bool = true) -> ParquetColumn {
        ParquetColumn(name, .number, isRising ? .delta : .dictionary, isOptional: isOptional)
    }

    package static func unsigned(_ name: String) -> ParquetColumn {
        ParquetColumn(name, .unsigned, .delta, isOptional: true)
    }

    /// A column of microseconds since 1970.
    package static func moment(_ name: String, isRising: Bool = false, isOptional: Bool = true) -> ParquetColumn {
        ParquetColumn(name, .moment, isRising ? .delta : .dictionary, isOptional: isOptional)
    }

    package static func text(_ name: String, isOptional: Bool = true) -> ParquetColumn {
        ParquetColumn(name, .text, .dictionary, isOptional: isOptional)
    }

    package static func bytes(_ name: String) -> ParquetColumn {
        ParquetColumn(name, .bytes, .dictionary, isOptional: true)
    }

    package static func flag(_ name: String) -> ParquetColumn {
        ParquetColumn(name, .flag, .plain, isOptional: false)
    }

    /// True where values are strings of bytes.
    var holdsBytes: Bool { kind == .text || kind == .bytes }
}

/// The numbers that parquet.thrift gives to what a file is made of.
///
/// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
enum ParquetCode {
    static let int64: Int32 = 2
    static let boolean: Int32 = 0
    static let byteArray: Int32 = 6

    static let required: Int32 = 0
    static let optional: Int32 = 1

    static let plain: Int32 = 0
    static let runLength: Int32 = 3
    static let deltaBinaryPacked: Int32 = 5
    static let dictionary: Int32 = 8

    static let zstd: Int32 = 6

    static let dataPage: Int32 = 0
    static let dictionaryPage: Int32 = 2
}

extension ParquetColumn {
    /// The physical type.
    var typeCode: Int32 {
        switch kind {
        case .number, .unsigned, .moment: ParquetCode.int64
        case .text, .bytes: ParquetCode.byteArray
        case .flag: ParquetCode.boolean
        }
    }

    /// The older name of the logical type, which older readers look at; nil where there is none.
    var convertedTypeCode: Int32? {
        switch kind {
        case .text: 0
        case .moment: 10
        case .unsigned: 14
        case .number, .bytes, .flag: nil
        }
    }
}
