internal import Block

/// Writes a Parquet file from its beginning to its end, row group by row group.
///
/// The subset that it writes is specified in docs/parquet.md. Memory: the values of one row group, and some hundred bytes
/// a column of each that was written. Thread: one.
package final class ParquetWriter {
    /// The row group is to be ended when it has so many rows (more of them would compress little better and take memory
    /// in proportion), …
    private static let groupRowCount = 65_536
    /// … or when its dictionaries hold so many bytes.
    private static let groupTextByteCount = 8 << 20
    private static let level: Int32 = 3
    private static let magic = Array("PAR1".utf8)

    private let metadata: [(key: String, value: String)]
    private let createdBy: String
    private var columns: [ColumnValues]
    private var compressor: Compressor
    private var rowCount = 0
    private var totalRowCount: Int64 = 0
    /// Where in the file the next byte will stand.
    private var offset: Int64 = 0
    /// The footer's descriptions of the row groups that were written.
    private var groupCount = 0
    private var groups: [UInt8] = []

    /// Throws: `ParquetError`.
    package init(
        _ columns: [ParquetColumn], metadata: [(key: String, value: String)], createdBy: String
    ) throws(ParquetError) {
        self.columns = columns.map(ColumnValues.init)
        self.metadata = metadata
        self.createdBy = createdBy
        do throws(BlockError) {
            compressor = try Compressor()
        } catch {
            throw ParquetError(error.description)
        }
    }

    /// Appends what the file starts with.
    package func begin(into bytes: inout [UInt8]) {
        put(Self.magic, into: &bytes)
    }

    // MARK: Rows

    /// Where a text stands in the dictionary of a column. It is valid until the row group ends.
    package func place(of text: [UInt8], in column: Int) -> UInt32 {
        columns[column].place(of: text)
    }

    /// Where a number stands in the dictionary of a column. It is valid until the row group ends.
    package func place(of number: Int64, in column: Int) -> UInt32 {
        columns[column].place(of: number)
    }

    /// The value of the row at hand, by its place in the dictionary; nil for none.
    package func append(place: UInt32?, to column: Int) {
        columns[column].append(place: place)
    }

    /// The value of the row at hand; nil for none.
    package func append(_ text: [UInt8]?, to column: Int) {
        columns[column].append(place: text.map { columns[column].place(of: $0) })
    }

    /// The value of the row at hand; nil for none. A flag is 0 or 1.
    package func append(_ number: Int64?, to column: Int) {
        columns[column].append(number: number)
    }

    /// Ends a row in which every column got its value.
    package func endRow() {
        rowCount += 1
    }

    /// True when the row group should be ended.
    package var isGroupFull: Bool {
        rowCount >= Self.groupRowCount
            || rowCount % 1_024 == 0 && columns.reduce(0) { $0 + $1.dictionaryByteCount } >= Self.groupTextByteCount
    }

    // MARK: Row groups

    /// Appends the row group at hand and begins another; nothing happens where it has no rows. Throws: `ParquetError`.
    package func endGroup(into bytes: inout [UInt8]) throws(ParquetError) {
        guard rowCount > 0 else { return }
        let start = offset
        var byteCount: Int64 = 0
        var chunks: [ColumnChunk] = []
        for index in columns.indices {
            precondition(columns[index].rowCount == rowCount, "a column without a value in every row")
            let chunk = try write(columns[index], into: &bytes)
            columns[index].removeAll()
            byteCount += chunk.byteCount
            chunks.append(chunk)
        }
        var group = ThriftWriter()
        group.structure { group in
            group.list(1, of: .structure, count: chunks.count)
            for chunk in chunks { chunk.write(to: &group) }
            group.int64(2, byteCount)
            group.int64(3, Int64(rowCount))
            group.int64(5, start)
            group.int64(6, offset - start)
        }
        groups += group.bytes
        groupCount += 1
        totalRowCount += Int64(rowCount)
        rowCount = 0
    }

    /// Appends the last row group and the footer. Throws: `ParquetError`.
    package func finish(into bytes: inout [UInt8]) throws(ParquetError) {
        try endGroup(into: &bytes)
        var footer = ThriftWriter()
        footer.structure { footer in
            footer.int32(1, 2)
            footer.list(2, of: .structure, count: columns.count + 1)
            footer.structure { root in
                root.text(4, "schema")
                root.int32(5, Int32(columns.count))
            }
            for values in columns { values.column.write(to: &footer) }
            footer.int64(3, totalRowCount)
            footer.list(4, of: .structure, count: groupCount)
            footer.elements(groups)
            footer.list(5, of: .structure, count: metadata.count)
            for (key, value) in metadata {
                footer.structure { pair in
                    pair.text(1, key)
                    pair.text(2, value)
                }
            }
            footer.text(6, createdBy)
            // Without the order of a column readers must not trust its bounds.
            footer.list(7, of: .structure, count: columns.count)
            for _ in columns {
                footer.structure { order in order.structure(1) { _ in } }
            }
        }
        put(footer.bytes, into: &bytes)
        var end: [UInt8] = []
        end.append(littleEndian: UInt32(footer.bytes.count))
        put(end + Self.magic, into: &bytes)
    }

    private func write(_ values: ColumnValues, into bytes: inout [UInt8]) throws(ParquetError) -> ColumnChunk {
        var chunk = ColumnChunk(values)
        let start = offset
        if let page = values.dictionaryPage {
            chunk.dictionaryOffset = offset
            chunk.byteCount += try write(page.content, ParquetCode.dictionaryPage, into: &bytes) { header in
                header.structure(7) { dictionary in
                    dictionary.int32(1, Int32(page.count))
                    dictionary.int32(2, ParquetCode.plain)
                }
            }
        }
        chunk.dataOffset = offset
        chunk.byteCount += try write(values.dataPage, ParquetCode.dataPage, into: &bytes) { header in
            header.structure(5) { data in
                data.int32(1, Int32(values.rowCount))
                data.int32(2, values.dataEncoding)
                data.int32(3, ParquetCode.runLength)
                data.int32(4, ParquetCode.runLength)
            }
        }
        chunk.compressedByteCount = offset - start
        return chunk
    }

    /// Appends a page; gives its size before compression, header and all.
    private func write(
        _ content: [UInt8], _ type: Int32, into bytes: inout [UInt8], _ describe: (inout ThriftWriter) -> Void
    ) throws(ParquetError) -> Int64 {
        var compressed: [UInt8] = []
        do throws(BlockError) {
            try compressor.compress(content, level: Self.level, to: &compressed)
        } catch {
            throw ParquetError(error.description)
        }
        // A dictionary is bounded by `groupTextByteCount` and one row more, the rest by the rows.
        guard let byteCount = Int32(exactly: content.count), let compressedCount = Int32(exactly: compressed.count)
        else {
            throw ParquetError("a page of more than 2 GiB")
        }
        var header = ThriftWriter()
        header.structure { header in
            header.int32(1, type)
            header.int32(2, byteCount)
            header.int32(3, compressedCount)
            describe(&header)
        }
        put(header.bytes, into: &bytes)
        put(compressed, into: &bytes)
        return Int64(header.bytes.count + content.count)
    }

    private func put(_ piece: [UInt8], into bytes: inout [UInt8]) {
        bytes.append(contentsOf: piece)
        offset += Int64(piece.count)
    }
}

/// Why a file could not be written.
package struct ParquetError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) {
        self.description = "Parquet: \(description)"
    }
}
