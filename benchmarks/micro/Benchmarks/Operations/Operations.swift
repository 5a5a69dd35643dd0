import Benchmark
import Foundation
import MeasuredOperations

/// How long the operations take here whose instructions `benchmarks/count-instructions` counts.
let benchmarks: @Sendable () -> Void = {
    // Times: machines that others use differ from one run to the next by this much.
    let tolerance = BenchmarkThresholds(relative: [.p50: 15, .p90: 30])
    let configuration = Benchmark.Configuration(
        metrics: [.wallClock, .throughput], warmupIterations: 3, maxDuration: .seconds(3), maxIterations: 10_000,
        thresholds: [.wallClock: tolerance, .throughput: tolerance])
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
