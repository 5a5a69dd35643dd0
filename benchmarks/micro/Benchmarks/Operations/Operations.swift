import Benchmark
import Foundation
import MeasuredOperations

/// How long the operations take here whose instructions `benchmarks/count-instructions` counts.
let benchmarks: @Sendable () -> Void = {
    // The tool keeps and compares the 90th percentile, which is the slow end: two runs of one build on one machine that others
    // use differed by up to 69 %. So this finds what got about twice as slow; what got a little slower, the instruction
    // counts find. Throughput says the same again, from its slow end.
    let tolerance = BenchmarkThresholds(relative: [.p90: 75])
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock], warmupIterations: 3, maxDuration: .seconds(3), maxIterations: 10_000,
        thresholds: [.wallClock: tolerance])
    for name in MeasuredOperation.Name.allCases {
        let store = FileManager.default.temporaryDirectory.path + "/varve-micro-\(getpid())-\(name.rawValue)"
        Benchmark(
            name.rawValue, configuration: configuration,
            closure: { (benchmark: Benchmark, operation: MeasuredOperation) in
                for _ in benchmark.scaledIterations { blackHole(try operation.run()) }
            },
            setup: {
                if name.asksStore { try StoredStorm.write(to: store) }
                return try MeasuredOperation(name, store: store)
            },
            teardown: {
                if name.asksStore { try FileManager.default.removeItem(atPath: store) }
            })
    }
}
