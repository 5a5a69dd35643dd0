/// The newest versions of the pages written last, so that the next commit's prefix needs no file to be read.
///
/// Cost: at most `byteLimit` of pages; the page that was taken in first goes first.
struct PageCache {
    private let pageLimit: Int
    private var pages: [UInt32: [UInt8]] = [:]
    private var order: [UInt32] = []
    private var oldest = 0

    init(byteLimit: Int, pageSize: Int) {
        pageLimit = max(1, byteLimit / pageSize)
    }

    subscript(page: UInt32) -> [UInt8]? { pages[page] }

    mutating func store(_ page: UInt32, _ bytes: [UInt8]) {
        if pages.updateValue(bytes, forKey: page) != nil { return }
        if order.count < pageLimit {
            order.append(page)
        } else {
            pages[order[oldest]] = nil
            order[oldest] = page
            oldest = (oldest + 1) % pageLimit
        }
    }

    mutating func removeAll() {
        pages.removeAll()
        order.removeAll()
        oldest = 0
    }
}
