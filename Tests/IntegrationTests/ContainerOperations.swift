import TestSupport
import Testing

extension [ReportedEvent] {
    /// What a container's script does between two files that it makes, by the container's own path.
    func operations(of container: String) throws -> [String: [String]] {
        let own = filter { $0.container == container }
        let begin = try #require(own.first { $0.containerPath == "/begin" }?.seq)
        let end = try #require(own.last { $0.containerPath == "/end" }?.seq)
        var result: [String: [String]] = [:]
        for event in own where event.seq > begin && event.seq < end && !event.operations.contains("exec") {
            guard event.containerPath != "/begin", event.containerPath != "/end" else { continue }
            let key = (event.containerPath ?? "?") + (event.containerTarget.map { " -> " + $0 } ?? "")
            result[key, default: []] += event.operations
        }
        return result
    }
}

extension [String: [String]] {
    /// What kernels before Linux 6.5 tell of what is done through an overlay: not what is written to files. The change of
    /// attributes that a copy-up is made for may be joined with the copying.
    var namesAlone: [String: [String]] {
        var result: [String: [String]] = [:]
        for (path, names) in self {
            let isVolume = path.hasPrefix("/data/")
            let kept = names.filter { isVolume || !["modify", "close_write", "attrib"].contains($0) }
            if !kept.isEmpty { result[path] = kept }
        }
        return result
    }
}
