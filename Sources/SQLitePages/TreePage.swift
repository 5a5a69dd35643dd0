/// A page of a b-tree.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 1 | kind: 2 index interior, 5 table interior, 10 index leaf, 13 table leaf |
/// | 1 | 2 | first free block |
/// | 3 | 2 | number of cells |
/// | 5 | 2 | start of the cell content area |
/// | 7 | 1 | fragmented free bytes |
/// | 8 | 4 | right-most child, on interior pages only |
///
/// Then a 2-byte offset for each cell. On page 1 all this starts at 100, behind the database header; offsets of cells
/// count from the start of the page. Source: fileformat2.html §1.6, "B-tree Pages".
package struct TreePage {
    package enum Kind: UInt8, Sendable {
        case indexInterior = 2
        case tableInterior = 5
        case indexLeaf = 10
        case tableLeaf = 13

        package var isLeaf: Bool { self == .indexLeaf || self == .tableLeaf }
        /// Keys are rowids; else they are records.
        package var isTable: Bool { self == .tableInterior || self == .tableLeaf }
    }

    package let number: UInt32
    package let kind: Kind
    package let cellCount: Int
    let bytes: [UInt8]
    private let usableByteCount: Int
    private let pointers: Int

    package init(_ bytes: [UInt8], number: UInt32, usableByteCount: Int) throws(PagesError) {
        let start = number == 1 ? DatabaseHeader.byteCount : 0
        guard usableByteCount <= bytes.count, start + 12 <= usableByteCount, let kind = Kind(rawValue: bytes[start])
        else { throw .damaged(page: number, "no page of a b-tree") }
        self.bytes = bytes
        self.number = number
        self.kind = kind
        self.usableByteCount = usableByteCount
        pointers = start + (kind.isLeaf ? 8 : 12)
        cellCount = bytes.bigEndian16(at: start + 3) ?? 0
        guard pointers + 2 * cellCount <= usableByteCount else {
            throw .damaged(page: number, "\(cellCount) cells do not fit")
        }
    }

    /// The page to the right of all cells of an interior page.
    package var rightChild: UInt32 { bytes.bigEndian32(at: pointers - 4) ?? 0 }

    /// The page to the left of a cell of an interior page.
    package func child(_ index: Int) throws(PagesError) -> UInt32 {
        guard let child = bytes.bigEndian32(at: try cellOffset(index)) else {
            throw .damaged(page: number, "a cell does not fit")
        }
        return child
    }

    /// The rowid and the row of a cell of a table's leaf.
    package func row(_ index: Int) throws(PagesError) -> (rowid: Int64, payload: Payload) {
        let offset = try cellOffset(index)
        guard let size = bytes.sqliteVarint(at: offset), let rowid = bytes.sqliteVarint(at: offset + size.byteCount)
        else { throw .damaged(page: number, "a cell does not fit") }
        let payload = try payload(size.value, at: offset + size.byteCount + rowid.byteCount)
        return (Int64(bitPattern: rowid.value), payload)
    }

    /// The record of a cell of an index page, leaf or interior.
    package func key(_ index: Int) throws(PagesError) -> Payload {
        let offset = try cellOffset(index) + (kind.isLeaf ? 0 : 4)
        guard let size = bytes.sqliteVarint(at: offset) else { throw .damaged(page: number, "a cell does not fit") }
        return try payload(size.value, at: offset + size.byteCount)
    }

    private func cellOffset(_ index: Int) throws(PagesError) -> Int {
        guard index < cellCount, let offset = bytes.bigEndian16(at: pointers + 2 * index),
            offset >= pointers + 2 * cellCount, offset < usableByteCount
        else { throw .damaged(page: number, "a cell lies outside the cell content area") }
        return offset
    }

    private func payload(_ byteCount: UInt64, at offset: Int) throws(PagesError) -> Payload {
        guard byteCount <= Payload.greatestByteCount else {
            throw .damaged(page: number, "a payload of \(byteCount) bytes")
        }
        let total = Int(byteCount)
        let local = Payload.localByteCount(of: total, usableByteCount: usableByteCount, inTableLeaf: kind == .tableLeaf)
        guard offset + local + (local < total ? 4 : 0) <= usableByteCount else {
            throw .damaged(page: number, "a payload reaches beyond the page")
        }
        let overflow = local < total ? bytes.bigEndian32(at: offset + local) ?? 0 : 0
        return Payload(
            page: bytes, pageNumber: number, offset: offset, localByteCount: local, byteCount: total,
            firstOverflowPage: overflow)
    }
}
