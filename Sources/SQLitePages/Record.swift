/// A row as SQLite stores it: a header of serial types, then the values one after the other.
///
/// | serial type | bytes | value |
/// |---|---|---|
/// | 0 | 0 | NULL |
/// | 1…6 | 1, 2, 3, 4, 6, 8 | big-endian signed integer |
/// | 7 | 8 | big-endian IEEE 754 double |
/// | 8, 9 | 0 | integer 0, 1 |
/// | 10, 11 | | never in a database file |
/// | even ≥ 12 | (n − 12) / 2 | BLOB |
/// | odd ≥ 13 | (n − 13) / 2 | text |
///
/// The bytes may be only the beginning of a record that is longer than a limit; fields beyond them are `.unread`.
/// Source: fileformat2.html §2.1, "Record Format".
package struct Record {
    private struct Field {
        var serialType: UInt64
        var offset: Int
        var byteCount: Int
    }

    /// The largest that SQLITE_MAX_COLUMN can be.
    private static let greatestFieldCount = 32_767

    private let bytes: [UInt8]
    private let encoding: TextEncoding
    private var fields: [Field] = []

    package var fieldCount: Int { fields.count }

    /// `byteCount`: of the whole record, of which `bytes` may be the beginning; `page` names it in errors.
    package init(_ bytes: [UInt8], byteCount: Int, encoding: TextEncoding, page: UInt32) throws(PagesError) {
        self.bytes = bytes
        self.encoding = encoding
        guard let size = bytes.sqliteVarint(at: 0), size.value >= 1, size.value <= UInt64(bytes.count),
            size.value >= UInt64(size.byteCount)
        else { throw .damaged(page: page, "a record's header does not fit") }
        let headerEnd = Int(size.value)
        var offset = size.byteCount
        var body = headerEnd
        while offset < headerEnd {
            guard let type = bytes.sqliteVarint(at: offset), offset + type.byteCount <= headerEnd else {
                throw .damaged(page: page, "a record's header ends inside a serial type")
            }
            offset += type.byteCount
            guard fields.count < Self.greatestFieldCount else {
                throw .damaged(page: page, "a record of more fields than a table can have columns")
            }
            guard let length = Self.byteCount(ofSerialType: type.value), length <= byteCount - body else {
                throw .damaged(page: page, "a record's value does not fit")
            }
            fields.append(Field(serialType: type.value, offset: body, byteCount: length))
            body += length
        }
    }

    /// The same from the bytes that are on the cell's page; nil where not even the header is.
    init?(localOf payload: Payload, encoding: TextEncoding) throws(PagesError) {
        let local = Array(payload.local)
        guard let size = local.sqliteVarint(at: 0), size.value <= UInt64(local.count) else { return nil }
        try self.init(local, byteCount: payload.byteCount, encoding: encoding, page: payload.pageNumber)
    }

    /// The value of a field. Range of `index`: 0..<fieldCount.
    package func value(_ index: Int) -> SQLiteValue {
        let field = fields[index]
        guard field.offset <= bytes.count - field.byteCount else { return .unread(byteCount: field.byteCount) }
        switch field.serialType {
        case 0: return .null
        case 8: return .integer(0)
        case 9: return .integer(1)
        case 7:
            let bits = bytes.bigEndianSigned(at: field.offset, byteCount: 8) ?? 0
            let real = Double(bitPattern: UInt64(bitPattern: bits))
            // SQLite reads a stored NaN as NULL and never stores one.
            return real.isNaN ? .null : .real(real)
        case 1...6: return .integer(bytes.bigEndianSigned(at: field.offset, byteCount: field.byteCount) ?? 0)
        default:
            let content = Array(bytes[field.offset..<field.offset + field.byteCount])
            return field.serialType & 1 == 0 ? .blob(content) : .text(encoding.utf8Bytes(of: content))
        }
    }

    /// The bytes that tell the first `count` fields apart: each field's serial type and content. Nil when they reach
    /// beyond what was read.
    package func identity(ofFirst count: Int) -> [UInt8]? {
        var identity: [UInt8] = []
        for field in fields.prefix(count) {
            guard field.offset <= bytes.count - field.byteCount else { return nil }
            for shift in stride(from: 56, through: 0, by: -8) {
                identity.append(UInt8(truncatingIfNeeded: field.serialType >> UInt64(shift)))
            }
            identity.append(contentsOf: bytes[field.offset..<field.offset + field.byteCount])
        }
        return identity
    }

    /// Nil for serial types that are none.
    private static func byteCount(ofSerialType type: UInt64) -> Int? {
        switch type {
        case 0, 8, 9: 0
        case 1, 2, 3, 4: Int(type)
        case 5: 6
        case 6, 7: 8
        case 10, 11: nil
        default: Int(exactly: (type - 12) / 2)
        }
    }
}
