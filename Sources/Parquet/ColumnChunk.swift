/// What the footer says of a column in a row group.
struct ColumnChunk {
    private let column: ParquetColumn
    private let rowCount: Int
    private let nullCount: Int
    private let encodings: [Int32]
    private let bounds: (least: [UInt8], greatest: [UInt8])?
    var dictionaryOffset: Int64?
    var dataOffset: Int64 = 0
    /// With the pages' headers, before compression.
    var byteCount: Int64 = 0
    var compressedByteCount: Int64 = 0

    init(_ values: ColumnValues) {
        column = values.column
        rowCount = values.rowCount
        nullCount = values.nullCount
        bounds = values.bounds
        let used = [ParquetCode.plain, ParquetCode.runLength, values.dataEncoding]
        encodings = used.reduce(into: []) { encodings, encoding in
            if !encodings.contains(encoding) { encodings.append(encoding) }
        }
    }

    /// ColumnChunk of parquet.thrift.
    func write(to thrift: inout ThriftWriter) {
        thrift.structure { chunk in
            chunk.int64(2, dictionaryOffset ?? dataOffset)
            chunk.structure(3) { data in
                data.int32(1, column.typeCode)
                data.list(2, of: .int32, count: encodings.count)
                for encoding in encodings { data.element(encoding) }
                data.list(3, of: .binary, count: 1)
                data.element(Array(column.name.utf8))
                data.int32(4, ParquetCode.zstd)
                data.int64(5, Int64(rowCount))
                data.int64(6, byteCount)
                data.int64(7, compressedByteCount)
                data.int64(9, dataOffset)
                if let dictionaryOffset { data.int64(11, dictionaryOffset) }
                data.structure(12) { statistics in
                    statistics.int64(3, Int64(nullCount))
                    guard let bounds else { return }
                    statistics.binary(5, bounds.greatest)
                    statistics.binary(6, bounds.least)
                }
            }
        }
    }
}

extension ParquetColumn {
    /// SchemaElement of parquet.thrift.
    func write(to thrift: inout ThriftWriter) {
        thrift.structure { element in
            element.int32(1, typeCode)
            element.int32(3, isOptional ? ParquetCode.optional : ParquetCode.required)
            element.text(4, name)
            if let convertedTypeCode { element.int32(6, convertedTypeCode) }
            switch kind {
            case .text: element.structure(10) { $0.structure(1) { _ in } }
            case .moment:
                element.structure(10) { type in
                    type.structure(8) { moment in
                        moment.boolean(1, true)
                        moment.structure(2) { unit in unit.structure(2) { _ in } }
                    }
                }
            case .unsigned:
                element.structure(10) { type in
                    type.structure(10) { integer in
                        integer.int8(1, 64)
                        integer.boolean(2, false)
                    }
                }
            case .number, .bytes, .flag: break
            }
        }
    }
}
