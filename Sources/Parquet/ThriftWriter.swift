/// Writes structures in Thrift's compact protocol, field by field in the order of their numbers.
///
/// Shape: a field is a byte (difference to the last field's number in the high half, type in the low one) and its value;
/// numbers are zigzag varints; a structure ends with a zero byte.
/// Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
struct ThriftWriter {
    /// What an element or a field can be.
    enum Kind: UInt8 {
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    private(set) var bytes: [UInt8] = []
    /// The number of the last field of each structure that is open.
    private var fields: [Int16] = [0]

    private static let isTrue: UInt8 = 1
    private static let isFalse: UInt8 = 2
    private static let int8: UInt8 = 3

    mutating func int32(_ field: Int16, _ value: Int32) {
        begin(field, Kind.int32.rawValue)
        bytes.append(zigzag: Int64(value))
    }

    mutating func int64(_ field: Int16, _ value: Int64) {
        begin(field, Kind.int64.rawValue)
        bytes.append(zigzag: value)
    }

    mutating func int8(_ field: Int16, _ value: Int8) {
        begin(field, Self.int8)
        bytes.append(UInt8(bitPattern: value))
    }

    mutating func boolean(_ field: Int16, _ value: Bool) {
        begin(field, value ? Self.isTrue : Self.isFalse)
    }

    mutating func binary(_ field: Int16, _ value: [UInt8]) {
        begin(field, Kind.binary.rawValue)
        element(value)
    }

    mutating func text(_ field: Int16, _ value: String) {
        binary(field, Array(value.utf8))
    }

    /// The structure as the value of a field.
    mutating func structure(_ field: Int16, _ body: (inout ThriftWriter) -> Void) {
        begin(field, Kind.structure.rawValue)
        structure(body)
    }

    /// The structure as an element of a list, or by itself.
    mutating func structure(_ body: (inout ThriftWriter) -> Void) {
        fields.append(0)
        body(&self)
        fields.removeLast()
        bytes.append(0)
    }

    /// A list; its elements are to follow.
    mutating func list(_ field: Int16, of kind: Kind, count: Int) {
        begin(field, Kind.list.rawValue)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            bytes.append(varint: UInt64(count))
        }
    }

    /// An element of a list of binaries.
    mutating func element(_ value: [UInt8]) {
        bytes.append(varint: UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// An element of a list of numbers.
    mutating func element(_ value: Int32) {
        bytes.append(zigzag: Int64(value))
    }

    /// Elements of a list that were written before.
    mutating func elements(_ written: [UInt8]) {
        bytes.append(contentsOf: written)
    }

    private mutating func begin(_ field: Int16, _ type: UInt8) {
        let last = fields[fields.count - 1]
        let difference = field - last
        if (1...15).contains(difference) {
            bytes.append(UInt8(difference) << 4 | type)
        } else {
            bytes.append(type)
            bytes.append(zigzag: Int64(field))
        }
        fields[fields.count - 1] = field
    }
}

extension [UInt8] {
    /// Seven bits a byte, the lowest first; all but the last have the high bit.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// A varint of a number whose sign is its lowest bit.
    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    mutating func append(littleEndian value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
