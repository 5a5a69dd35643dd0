/// What a part of a block holds; the raw value is its kind in the format.
enum PartKind: UInt8, CaseIterable, Sendable {
    // Of the whole block.
    case commits = 1
    case commitHashes = 2
    case volumes = 3
    case directoryParents = 4
    case directoryPrefixes = 5
    case directoryNames = 6
    case pathDirectories = 7
    case pathDirectoryRuns = 8
    case pathPrefixes = 9
    case pathNames = 10
    case pathVolumes = 11
    case pathInodes = 12
    case pathGenerations = 13
    case processIdentities = 14
    case processTimes = 15
    case processDetails = 16
    case processReferences = 17
    case processTexts = 18
    case facts = 19
    case processLinks = 20
    case processControlGroups = 21
    case directoryDigits = 22
    case pathDigits = 23
    case busiestPaths = 24
    // Of a row group.
    case windowSymbols = 32
    case windowRuns = 33
    case windowEdges = 34
    case windowLowLengths = 35
    case windowHighLengths = 36
    case masks = 37
    case flags = 38
    case processSymbols = 39
    case processRuns = 40
    case paths = 41
    case pathLowBytes = 42
    case pathHighBytes = 43
    case targets = 44
    case objectPositions = 45
    case objectVolumes = 46
    case objectInodes = 47
    case objectGenerations = 48
    case lastProcesses = 49
    case pathChunks = 50

    /// Its name in schema/README.md, errors and statistics.
    var name: String {
        switch self {
        case .commits: "commits"
        case .commitHashes: "commit hashes"
        case .volumes: "volumes"
        case .directoryParents: "directory parents"
        case .directoryNames: "directory names"
        case .pathDirectories: "path directories"
        case .pathDirectoryRuns: "path directory runs"
        case .pathNames: "path names"
        case .pathVolumes: "path volumes"
        case .pathInodes: "path inodes"
        case .pathGenerations: "path generations"
        case .processIdentities, .processTimes, .processDetails, .processReferences: "process numbers"
        case .processTexts: "process texts"
        case .facts: "facts"
        case .processLinks: "process links"
        case .processControlGroups: "process control groups"
        case .directoryDigits: "directory digits"
        case .pathDigits: "path digits"
        case .busiestPaths: "busiest paths"
        case .directoryPrefixes: "directory prefixes"
        case .pathPrefixes: "path prefixes"
        case .windowSymbols: "window symbols"
        case .windowRuns: "window runs"
        case .windowEdges: "window edges"
        case .windowLowLengths: "window low lengths"
        case .windowHighLengths: "window high lengths"
        case .masks: "masks"
        case .flags: "flags"
        case .processSymbols: "process symbols"
        case .processRuns: "process runs"
        case .paths: "paths"
        case .pathLowBytes: "path low bytes"
        case .pathHighBytes: "path high bytes"
        case .targets: "targets"
        case .objectPositions: "object positions"
        case .objectVolumes: "object volumes"
        case .objectInodes: "object inodes"
        case .objectGenerations: "object generations"
        case .lastProcesses: "last processes"
        case .pathChunks: "path chunks"
        }
    }

    /// The first version of the format that has it.
    var version: UInt8 {
        switch self {
        case .processLinks, .processControlGroups, .lastProcesses: 2
        case .directoryDigits, .pathDigits: 3
        case .pathChunks: 5
        case .busiestPaths: 6
        default: 1
        }
    }

    /// What it is a part of.
    enum Owner { case block, paths, rowGroup }

    var owner: Owner {
        switch self {
        case .pathDirectories, .pathDirectoryRuns, .pathPrefixes, .pathNames, .pathDigits, .pathVolumes, .pathInodes,
            .pathGenerations:
            .paths
        default: rawValue >= 32 ? .rowGroup : .block
        }
    }
}

/// One of a block's lists of parts.
enum BlockSection: Hashable, Sendable {
    /// The whole block. Where paths come in groups, all but their parts.
    case block
    case rowGroup(Int)
    case pathGroup(Int)
}

/// Where a part's content stands; the raw value is the upper two bits of its coding byte.
enum PartStorage: UInt8, Sendable {
    /// Among the small parts, in the bundle.
    case bundle = 0
    /// Behind the bundle, as a zstd frame.
    case frame = 1
    /// Behind the bundle, as it is.
    case plain = 2
}

/// A part as the header lists it.
struct PartEntry: Sendable {
    var kind: PartKind
    /// How the content is coded; 1 unless the kind says more.
    var transform: UInt8
    var storage: PartStorage
    /// The low half of XXH3-64 of the stored bytes; the bundle has its own.
    var checksum: UInt32
    /// From the start of the block, or of the bundle.
    var offset: Int
    /// In the block, or in the bundle before that is compressed.
    var storedByteCount: Int
    /// After decompression.
    var byteCount: Int
}
