// swift-tools-version: 6.3
import PackageDescription

/// The settings of every Swift target; a tidy test checks that no target has others.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("DeprecatedDeclaration", as: .warning),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    // Own ~Escapable cursors and stored spans need it (Swift 6.3).
    .enableExperimentalFeature("Lifetimes"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")

let package = Package(
    name: "varve",
    products: [
        .executable(name: "varved", targets: ["varved"]),
        .executable(name: "varve", targets: ["varve"]),
        // What scripts/link-extension makes varve.so of; a dynamic product would export every symbol.
        .library(name: "varve-extension", type: .static, targets: ["SQLTables", "SQLiteExtension"]),
        // For the package in benchmarks/micro; nothing else is to depend on it.
        .library(name: "measured-operations", targets: ["MeasuredOperations"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // C boundary: headers with fallback #defines, and Debian's libraries.
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CCapability", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),

        // Rooms, from the ground up; imports only run downwards.
        .target(name: "Model", swiftSettings: settings),
        .target(name: "Schema", path: "schema", exclude: ["README.md"], swiftSettings: settings),
        .target(name: "Syscalls", dependencies: ["CLinux", "CCapability", "Model"], swiftSettings: settings),
        .target(name: "Fanotify", dependencies: ["CLinux", "Syscalls", "Model"], swiftSettings: settings),
        .target(name: "Block", dependencies: ["CZstd", "CXXHash", "Model"], swiftSettings: settings),
        .target(name: "SQLitePages", swiftSettings: settings),
        .target(name: "Parquet", dependencies: ["Block"], swiftSettings: settings),
        .target(name: "SQLiteWAL", dependencies: ["Model"], swiftSettings: settings),
        .target(name: "Segment", dependencies: ["Block", "Model"], swiftSettings: settings),
        .target(
            name: "Store", dependencies: ["CSQLite", "Block", "Model", "Schema", "Segment", "Syscalls"],
            swiftSettings: settings),
        .target(
            name: "Recorder",
            dependencies: [
                "Block", "CLinux", "Fanotify", "Model", "SQLiteWAL", "Segment", "Store", "Syscalls", collections,
                logging,
            ],
            swiftSettings: settings),
        .target(
            name: "Query",
            dependencies: ["Block", "Model", "Parquet", "SQLitePages", "Segment", "Store", "Syscalls", heap],
            swiftSettings: settings),
        .target(
            name: "SQLTables", dependencies: ["Block", "CSQLite", "Model", "Query", "Segment", "Store", "Syscalls"],
            swiftSettings: settings),
        // The files of a report's page, as bytes.
        .target(
            name: "ReportAssets",
            exclude: ["d3.LICENSE", "d3.min.js", "model.js", "panels.js", "report.css", "timeline.js"]),
        .target(
            name: "Report", dependencies: ["Block", "Model", "Query", "ReportAssets", "Segment", "Store", "Syscalls"],
            swiftSettings: settings),
        // The C side of varve.so: only there, never beside libsqlite3.
        .target(name: "SQLiteExtension"),
        .executableTarget(
            name: "varved", dependencies: ["Model", "Recorder", "Syscalls", argumentParser, logging],
            swiftSettings: settings),
        .executableTarget(
            name: "varve", dependencies: ["Model", "Query", "Report", "SQLTables", argumentParser],
            swiftSettings: settings),
        .executableTarget(
            name: "rowdiff", dependencies: ["Model", "SQLitePages", "Syscalls"], path: "benchmarks/rowdiff",
            swiftSettings: settings),
        // Makes the stores of the benchmark `questions` and times answers; not a product.
        .executableTarget(
            name: "questions", dependencies: ["Block", "Model", "Query", "SQLTables", "Store", "Syscalls", "TestData"],
            path: "benchmarks/questions", swiftSettings: settings),

        // The operations that are measured, and what runs one of them for callgrind.
        .target(
            name: "MeasuredOperations",
            dependencies: [
                "Block", "CLinux", "Fanotify", "Model", "Query", "Recorder", "SQLiteWAL", "Store", "TestData",
            ],
            path: "benchmarks/operations", swiftSettings: settings),
        .executableTarget(
            name: "instructions", dependencies: ["MeasuredOperations"], path: "benchmarks/instructions",
            swiftSettings: settings),

        // Tests: one target a room, and the built programs on the real kernel.
        .target(
            name: "TestData", dependencies: ["CLinux", "Model", "Segment", "Syscalls"], path: "Tests/TestData",
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["Block", "CLinux", "Model", "Segment", "Syscalls", "TestData"],
            path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(name: "ModelTests", dependencies: ["Model"], swiftSettings: settings),
        .testTarget(
            name: "SyscallsTests", dependencies: ["CLinux", "Model", "Syscalls", "TestSupport"], swiftSettings: settings
        ),
        .testTarget(
            name: "FanotifyTests",
            dependencies: ["CLinux", "Fanotify", "Model", "Syscalls", "TestData", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "BlockTests", dependencies: ["Block", "FuzzTargets", "Model", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "SQLitePagesTests", dependencies: ["Model", "SQLitePages", "Syscalls", "TestSupport"],
            swiftSettings: settings),
        .testTarget(name: "ParquetTests", dependencies: ["Parquet", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "SQLiteWALTests", dependencies: ["FuzzTargets", "Model", "SQLiteWAL", "Syscalls", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SegmentTests", dependencies: ["Block", "Model", "Segment", "Syscalls", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "StoreTests",
            dependencies: ["Block", "Model", "Schema", "Segment", "Store", "Syscalls", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "RecorderTests",
            dependencies: [
                "Block", "CLinux", "Fanotify", "Model", "Recorder", "SQLiteWAL", "Segment", "Store", "Syscalls",
                "TestData", "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "QueryTests",
            dependencies: [
                "Block", "Model", "Query", "Report", "SQLTables", "SQLitePages", "Segment", "Store", "Syscalls",
                "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ReportTests", dependencies: ["Model", "Query", "Report"], swiftSettings: settings),
        .testTarget(
            name: "SQLTablesTests",
            dependencies: ["Block", "Model", "Query", "SQLTables", "Segment", "Store", "Syscalls", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests", dependencies: ["CLinux", "Model", "Syscalls", "TestSupport", "varve", "varved"],
            swiftSettings: settings),
        .testTarget(
            name: "FaultTests", dependencies: ["CLinux", "Model", "Syscalls", "TestSupport", "varve", "varved"],
            swiftSettings: settings),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Block", "Model", "Query", "SQLitePages", "SQLiteWAL", "Segment", "Store", "Syscalls",
            ],
            path: "Tests/Fuzz", exclude: ["Entry", "corpus"], swiftSettings: settings),
        .testTarget(
            name: "FuzzTests", dependencies: ["Block", "FuzzTargets", "Model", "Segment", "Syscalls", "TestSupport"],
            swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),

        // Measures what segments take; not a product.
        .executableTarget(
            name: "segment-benchmark", dependencies: ["Block", "Model", "Segment", "TestData"],
            path: "benchmarks/segments", swiftSettings: settings),
    ]
)
