import FoundationEssentials
package import Model

/// One event as `varve events -o jsonl` prints it.
package struct ReportedEvent: Decodable, Sendable {
    package var seq: UInt64
    package var time: String
    package var earliest: String
    package var host: String?
    package var operations: [String]
    package var merged: Bool?
    package var path: RawPath?
    package var target: RawPath?
    package var inode: UInt64?
    package var pid: Int32?
    package var process: ReportedProcess?
    /// The program after an exec that the record goes across.
    package var lastExe: String?
    package var uncertain: [String]
    package var container: String?
    package var containerPath: String?
    package var containerTarget: String?
    package var nameOnly: Bool?
    package var scanned: Bool?

    private enum CodingKeys: String, CodingKey {
        case seq, time, earliest, host, merged, path, target, inode, pid, process, uncertain, container, scanned
        case containerPath = "container_path"
        case containerTarget = "container_target"
        case nameOnly = "name_only"
        case operations = "op"
        case lastExe = "exe_last"
        case rawPath = "path_raw"
        case rawTarget = "target_raw"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        seq = try values.decode(UInt64.self, forKey: .seq)
        time = try values.decode(String.self, forKey: .time)
        earliest = try values.decode(String.self, forKey: .earliest)
        host = try values.decodeIfPresent(String.self, forKey: .host)
        operations = try values.decode([String].self, forKey: .operations)
        merged = try values.decodeIfPresent(Bool.self, forKey: .merged)
        inode = try values.decodeIfPresent(UInt64.self, forKey: .inode)
        pid = try values.decodeIfPresent(Int32.self, forKey: .pid)
        process = try values.decodeIfPresent(ReportedProcess.self, forKey: .process)
        lastExe = try values.decodeIfPresent(String.self, forKey: .lastExe)
        uncertain = try values.decodeIfPresent([String].self, forKey: .uncertain) ?? []
        container = try values.decodeIfPresent(String.self, forKey: .container)
        containerPath = try values.decodeIfPresent(String.self, forKey: .containerPath)
        containerTarget = try values.decodeIfPresent(String.self, forKey: .containerTarget)
        nameOnly = try values.decodeIfPresent(Bool.self, forKey: .nameOnly)
        scanned = try values.decodeIfPresent(Bool.self, forKey: .scanned)
        // The base64 form stands where the bytes are not valid UTF-8; then it is the one to believe.
        path = try Self.bytes(in: values, .path, raw: .rawPath)
        target = try Self.bytes(in: values, .target, raw: .rawTarget)
    }

    private static func bytes(
        in values: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys, raw: CodingKeys
    ) throws -> RawPath? {
        if let encoded = try values.decodeIfPresent(Data.self, forKey: raw) { return RawPath(Array(encoded)) }
        return try values.decodeIfPresent(String.self, forKey: key).map { RawPath($0) }
    }

    /// Every event of a jsonl output, in its order.
    package static func list(_ jsonLines: [UInt8]) throws -> [ReportedEvent] {
        let decoder = JSONDecoder()
        return try jsonLines.split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(ReportedEvent.self, from: Data($0))
        }
    }
}

/// The process of a reported event.
package struct ReportedProcess: Decodable, Sendable {
    package var start: String?
    package var exe: String?
    package var script: String?
    package var comm: String?
    package var cmdline: String?
    package var ppid: Int32?
    package var uid: UInt32?
    package var gid: UInt32?
    package var container: String?
    package var outsideNamespace: Bool?
    package var from: [String: String]?

    private enum CodingKeys: String, CodingKey {
        case start, exe, script, comm, cmdline, ppid, uid, gid, container, from
        case outsideNamespace = "outside_pid_namespace"
    }
}

/// One gap as `varve gaps -o jsonl` prints it.
package struct ReportedGap: Decodable, Sendable {
    package var type: String
    package var from: String
    package var to: String
    package var count: UInt64?
    package var scope: String?
    package var cause: String?

    /// Every gap of a jsonl output, in its order.
    package static func list(_ jsonLines: [UInt8]) throws -> [ReportedGap] {
        let decoder = JSONDecoder()
        return try jsonLines.split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(ReportedGap.self, from: Data($0))
        }
    }
}
