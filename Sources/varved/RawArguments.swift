import Model

/// The arguments as the kernel passed them, by what the parser makes of them: paths are bytes, and it only knows text.
///
/// Arguments that differ only in bytes that are no text look the same to it; they are given back in their order.
struct RawArguments {
    private var waiting: [String: ArraySlice<RawPath>] = [:]

    init(_ arguments: [RawPath]) {
        for argument in arguments {
            add(argument.bytes[...])
            // `--name=VALUE`.
            if argument.bytes.starts(with: "--".utf8), let equals = argument.bytes.firstIndex(of: UInt8(ascii: "=")) {
                add(argument.bytes[(equals + 1)...])
            }
        }
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>) {
        waiting[String(decoding: bytes, as: UTF8.self), default: []].append(RawPath(Array(bytes)))
    }

    mutating func take(_ text: String) -> RawPath {
        waiting[text]?.popFirst() ?? RawPath(text)
    }
}
