/// A row where it is stored.
package struct StoredRow {
    /// Nil in a table without rowid.
    package var rowid: Int64?
    package var payload: Payload
    /// Where its cell is: a position in the cursor's pages, and the cell on that page.
    var place: (page: Int, cell: Int)
}

/// Walks over the rows on some pages of a table, in their order.
package struct RowCursor {
    private let database: PagedDatabase
    private let pages: [UInt32]
    private let isTable: Bool
    private var pageIndex = 0
    private var cellIndex = 0
    private var page: TreePage?
    private var lastRowid: Int64?
    /// Of the cells of this page so far.
    private var localByteCount = 0

    /// Parameters: `pages` are leaves of a table, or pages of any level of a table without rowid (`isTable` false).
    package init(pages: [UInt32], isTable: Bool, in database: PagedDatabase) {
        self.database = database
        self.pages = pages
        self.isTable = isTable
    }

    /// The next row; nil at the end.
    ///
    /// Throws: `.damaged` for rowids that do not rise, since rows are joined in that order.
    package mutating func next() throws(PagesError) -> StoredRow? {
        while true {
            if let page, cellIndex < page.cellCount {
                let place = (pageIndex - 1, cellIndex)
                let row = try row(on: page, at: place)
                cellIndex += 1
                // Cells over each other could make one page stand for gigabytes.
                localByteCount += row.payload.localByteCount + 2
                guard localByteCount <= database.usableByteCount else {
                    throw .damaged(page: page.number, "cells overlap")
                }
                return row
            }
            guard pageIndex < pages.count else { return nil }
            let next = try database.treePage(pages[pageIndex])
            guard next.kind.isTable == isTable, next.kind.isLeaf || !isTable else {
                throw .damaged(page: next.number, "not a page of its table")
            }
            page = next
            pageIndex += 1
            cellIndex = 0
            localByteCount = 0
        }
    }

    private mutating func row(on page: TreePage, at place: (page: Int, cell: Int)) throws(PagesError) -> StoredRow {
        guard isTable else { return StoredRow(rowid: nil, payload: try page.key(place.cell), place: place) }
        let (rowid, payload) = try page.row(place.cell)
        if let lastRowid, rowid <= lastRowid {
            throw .damaged(page: page.number, "rowids do not rise")
        }
        lastRowid = rowid
        return StoredRow(rowid: rowid, payload: payload, place: place)
    }

    /// A row of a table without rowid, at the place that `next` gave for it.
    func key(at place: (page: Int, cell: Int)) throws(PagesError) -> Payload {
        try database.treePage(pages[place.page]).key(place.cell)
    }
}
