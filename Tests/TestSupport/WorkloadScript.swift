package import Model

/// A list of file operations for one process of `Tests/Workloads/workload.py`.
package struct WorkloadScript: Sendable {
    package private(set) var text = ""

    package init() {}

    /// Adds one operation; `words` are paths below the workload's root, or numbers.
    package mutating func add(_ operation: String, _ words: String...) {
        add(operation, words.map { RawPath($0) })
    }

    /// Adds one operation on paths that need not be UTF-8.
    package mutating func add(_ operation: String, _ words: [RawPath]) {
        text += ([operation] + words.map { PercentEncoding.encode($0.bytes) }).joined(separator: " ") + "\n"
    }

    /// A random walk over operations in `directory`, which the script makes: the same for the same generator state.
    ///
    /// Only the script's own process works below `directory`, so every operation succeeds and the order is its own.
    package static func random(
        in directory: String, operationCount: Int, using generator: inout some RandomNumberGenerator
    ) -> WorkloadScript {
        var script = WorkloadScript()
        script.add("mkdir", directory)
        var directories = [directory]
        var files: [String] = []
        for number in 0..<operationCount {
            let parent = directories.randomElement(using: &generator) ?? directory
            let choice = Int.random(in: 0..<20, using: &generator)
            if files.isEmpty || choice < 5 {
                let name = "\(parent)/f\(number)"
                script.add("create", name, "\(Int.random(in: 0..<100, using: &generator))")
                files.append(name)
                continue
            }
            let place = Int.random(in: 0..<files.count, using: &generator)
            let file = files[place]
            switch choice {
            case 5, 6, 7: script.add("append", file, "7")
            case 8: script.add("truncate", file, "3")
            case 9: script.add("rewrite", file)
            case 10: script.add("chmod", file, "640")
            case 11: script.add("utime", file)
            case 12, 13:
                let name = "\(parent)/r\(number)"
                script.add("rename", file, name)
                files[place] = name
            case 14:
                let name = "\(parent)/l\(number)"
                script.add("link", file, name)
                files.append(name)
            case 15:
                let name = "\(parent)/d\(number)"
                script.add("mkdir", name)
                directories.append(name)
            case 16: script.add("symlink", "\(parent)/s\(number)", "nowhere")
            default:
                script.add("unlink", file)
                files.remove(at: place)
            }
        }
        return script
    }
}

/// The encoding in which scripts and truth logs carry names: `%` and two hexadecimal digits for all but a few bytes.
package enum PercentEncoding {
    package static func encode(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            let scalar = Unicode.Scalar(byte)
            if byte < 0x80,
                Character(scalar).isLetter || Character(scalar).isNumber || "/._-".unicodeScalars.contains(scalar)
            {
                text.unicodeScalars.append(scalar)
            } else {
                text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16)
            }
        }
        return text
    }

    package static func decode(_ text: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
