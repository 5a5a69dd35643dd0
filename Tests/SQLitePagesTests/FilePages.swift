import Model
import SQLitePages
import Syscalls

/// The pages of a database that is held in memory.
struct FilePages: PageSource {
    var bytes: [UInt8]
    let pageSize: Int

    init(bytes: [UInt8], pageSize: Int) {
        self.bytes = bytes
        self.pageSize = pageSize
    }

    /// The page size is taken from the header.
    init(path: String) throws {
        bytes = try Files.contents(of: RawPath(path), limit: 1 << 28)
        let declared = Int(bytes[16]) << 8 | Int(bytes[17])
        pageSize = declared == 1 ? 65_536 : declared
    }

    static var none: FilePages { FilePages(bytes: [], pageSize: 4096) }

    var pageCount: UInt32 { UInt32(bytes.count / pageSize) }

    func page(_ number: UInt32) throws(PagesError) -> [UInt8]? {
        guard number >= 1, number <= pageCount else { return nil }
        let offset = (Int(number) - 1) * pageSize
        return Array(bytes[offset..<offset + pageSize])
    }

    /// The pages whose bytes differ, or that only one of both has.
    func pagesDiffering(from other: FilePages) -> [UInt32] {
        guard pageSize == other.pageSize else { return Array(1...max(pageCount, other.pageCount)) }
        return (1...max(pageCount, other.pageCount)).filter { number in
            (try? page(number)) != (try? other.page(number))
        }
    }
}
