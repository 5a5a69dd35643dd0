/// Reads `/proc/PID/cgroup`, cgroups(7): lines `HIERARCHY:CONTROLLERS:PATH`.
package enum ControlGroup {
    /// Where the path is that tells most of a process's place: that of the unified hierarchy (v2) unless it is the
    /// root, else systemd's own, else the first that is not the root. nil where all are the root.
    package static func path(in lines: [UInt8]) -> Range<Int>? {
        unified(in: lines, orElse: { controllers in controllers.elementsEqual("name=systemd".utf8) })
            ?? find(in: lines) { _ in true }
    }

    /// The path of the hierarchy that holds the memory controller: v1's `memory`, else the unified one.
    static func memoryPath(in lines: [UInt8]) -> (version: Int, path: Range<Int>)? {
        if let path = find(
            in: lines, skippingRoot: false,
            { $0.split(separator: UInt8(ascii: ",")).contains { $0.elementsEqual("memory".utf8) } })
        {
            return (1, path)
        }
        return find(in: lines, skippingRoot: false) { $0.isEmpty }.map { (2, $0) }
    }

    private static func unified(in lines: [UInt8], orElse other: (ArraySlice<UInt8>) -> Bool) -> Range<Int>? {
        find(in: lines) { $0.isEmpty } ?? find(in: lines, other)
    }

    private static func find(
        in lines: [UInt8], skippingRoot: Bool = true, _ isWanted: (ArraySlice<UInt8>) -> Bool
    ) -> Range<Int>? {
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            // The path itself may hold colons.
            guard let first = line.firstIndex(of: UInt8(ascii: ":")),
                let second = line[(first + 1)...].firstIndex(of: UInt8(ascii: ":"))
            else { continue }
            let path = second + 1..<line.endIndex
            guard isWanted(line[first + 1..<second]), path.count > (skippingRoot ? 1 : 0) else { continue }
            return path
        }
        return nil
    }
}
