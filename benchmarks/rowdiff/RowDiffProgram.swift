import Glibc
import Model
import SQLitePages
import Syscalls

/// Tells how long the diff of two database files takes: `rowdiff BEFORE AFTER ROUNDS`.
///
/// The numbers of the pages that differ are found first, by comparing both files; that is not in the figure, since a
/// store of commits knows them. Each round opens both files anew. Prints one JSON object.
@main enum RowDiffProgram {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let rounds = Int(arguments[3]), rounds > 0 else {
            fail("rowdiff BEFORE AFTER ROUNDS")
        }
        do {
            let started = Clock.monotonic()
            let changed = try FilePages(arguments[1]).pagesDiffering(from: FilePages(arguments[2]))
            let comparing = Clock.monotonic() - started
            var nanoseconds: [Int64] = []
            var rows = 0
            var pagesRead = 0
            for _ in 0..<rounds {
                let begin = Clock.monotonic()
                let differ = try RowDiffer(from: FilePages(arguments[1]))
                let count = Count()
                let summary = try differ.advance(to: FilePages(arguments[2]), changedPages: changed) { item in
                    if case .row = item { count.rows += 1 }
                    return true
                }
                nanoseconds.append(Clock.monotonic() - begin)
                rows = count.rows
                pagesRead = summary.pagesRead
            }
            let list = nanoseconds.map { "\($0)" }.joined(separator: ",")
            print(
                "{\"rows\":\(rows),\"pages_changed\":\(changed.count),\"pages_read\":\(pagesRead),"
                    + "\"compare_ns\":\(comparing),\"diff_ns\":[\(list)]}")
        } catch {
            fail("\(error)")
        }
    }

    private final class Count {
        var rows = 0
    }

    private static func fail(_ text: String) -> Never {
        print(text)
        exit(1)
    }
}

/// The pages of a database file, read one by one.
final class FilePages: PageSource {
    private let file: OwnedDescriptor
    let pageSize: Int
    let pageCount: UInt32

    init(_ path: String) throws {
        file = try OwnedDescriptor.open(RawPath(path), flags: O_RDONLY)
        var header: [UInt8] = []
        try file.read(upTo: 100, at: 0, appendingTo: &header)
        let declared = header.count < 100 ? 4096 : Int(header[16]) << 8 | Int(header[17])
        pageSize = declared == 1 ? 65_536 : declared
        pageCount = UInt32(Int(try file.status().byteCount) / pageSize)
    }

    func page(_ number: UInt32) throws(PagesError) -> [UInt8]? {
        var bytes: [UInt8] = []
        do throws(SyscallError) {
            try file.read(upTo: pageSize, at: (Int64(number) - 1) * Int64(pageSize), appendingTo: &bytes)
        } catch {
            throw .unreadable(page: number, "\(error)")
        }
        return bytes
    }

    func pagesDiffering(from other: FilePages) throws -> [UInt32] {
        try (1...max(pageCount, other.pageCount)).filter { number in
            guard number <= min(pageCount, other.pageCount) else { return true }
            return try page(number) != other.page(number)
        }
    }
}
