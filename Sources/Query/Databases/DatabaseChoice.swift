internal import Block
internal import Model
internal import Segment
internal import Store

/// Which watched database is meant: one named by any path it was known by, by the beginning of its uuid, or by its file's
/// name where no path fits.
enum DatabaseChoice {
    /// Throws: `UsageError` where none or several are meant, with their uuids.
    static func find(
        _ name: RawPath, absolute: RawPath, in streams: [DatabaseStream]
    ) throws(UsageError) -> DatabaseStream {
        let named = streams.filter { $0.paths.contains(absolute) || $0.paths.contains(name) }
        // Of several files that had the name one after the other, the name alone means none.
        var found = named.isEmpty ? streams.filter { isPrefix(name, of: $0.uuid) } : named
        if found.isEmpty, !name.bytes.contains(UInt8(ascii: "/")) {
            let end = [UInt8(ascii: "/")] + name.bytes
            found = streams.filter { $0.paths.contains { $0.bytes.suffix(end.count).elementsEqual(end) } }
        }
        let shown = TerminalText.escaped(name.bytes)
        guard let first = found.first else {
            throw UsageError(
                streams.isEmpty
                    ? "no database was watched; 'varved --capture-wal GLOB' does"
                    : "no watched database is called '\(shown)'; 'varve db list' names them")
        }
        guard found.count == 1 else {
            let names = found.map { $0.uuid.hexadecimalText }.joined(separator: ", ")
            throw UsageError(
                "'\(shown)' means \(found.count) databases; name one by the beginning of its uuid: \(names)")
        }
        return first
    }

    /// Four digits at least, so that a file name is not taken for one by chance.
    private static func isPrefix(_ name: RawPath, of uuid: UUIDBytes) -> Bool {
        let digits = name.bytes.filter { $0 != UInt8(ascii: "-") }
        return digits.count >= 4 && uuid.hexadecimalText.utf8.starts(with: digits)
    }
}
