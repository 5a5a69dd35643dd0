// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that nothing of Varve depends on the harness or builds it.
let package = Package(
    name: "micro",
    dependencies: [
        .package(name: "varve", path: "../.."),
        // Without its traits: they count allocations by a library that is not everywhere.
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Operations",
            dependencies: [
                .product(name: "measured-operations", package: "varve"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Operations", swiftSettings: [.swiftLanguageMode(.v6)],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ]
)
