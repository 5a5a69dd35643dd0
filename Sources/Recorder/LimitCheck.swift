import Model
import Store
import Syscalls

/// Limits that no pruning can meet are refused at the start, before anything is made.
enum LimitCheck {
    /// Throws: `RecorderError` of code `usage`, with the option and the remedy.
    static func expectMeetable(_ options: RecorderOptions) throws(RecorderError) {
        let least = RetentionLimits.leastMaxByteCount
        if let size = options.maximumByteCount, size < least {
            throw RecorderError(
                .usage,
                "--max-size \(text(size)) is less than a store takes with its newest events: give \(text(least)) or more"
            )
        }
        // The default is a wish that a small disk need not meet.
        guard let free = options.askedFreeByteCount else { return }
        for (what, directory) in [("store", options.store), ("archive", options.archive)] as [(String, RawPath?)] {
            guard let directory, let status = filesystem(of: directory), free >= status.totalByteCount else { continue }
            throw RecorderError(
                .usage,
                "--min-free \(text(free)) is all that the filesystem of the \(what) \(directory.escapedText) holds "
                    + "(\(text(status.totalByteCount))), or more: nothing could be kept; give less, or 0 for no such limit"
            )
        }
    }

    private static func text(_ byteCount: UInt64) -> String { ByteSize.text(Int64(clamping: byteCount)) }

    /// That of the directory, or of the nearest one above it that there is; nil where none can be asked.
    private static func filesystem(of directory: RawPath) -> FilesystemStatus? {
        let isAbsolute = directory.bytes.first == UInt8(ascii: "/")
        var names = directory.bytes.split(separator: UInt8(ascii: "/"))
        while true {
            let path =
                names.isEmpty && !isAbsolute ? [UInt8(ascii: ".")] : Array(names.joined(separator: [UInt8(ascii: "/")]))
            if let status = try? RawPath((isAbsolute ? [UInt8(ascii: "/")] : []) + path).filesystemStatus() {
                return status
            }
            guard names.popLast() != nil else { return nil }
        }
    }
}
