import FuzzTargets
import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// What fuzzing found worth keeping, and what it begins with, is survived by every decoder; docs: Tests/Fuzz.
@Suite struct FuzzTests {
    @Test(arguments: FuzzTarget.allCases) func keptInputsAreSurvived(_ target: FuzzTarget) throws {
        let directory = RawPath(
            #filePath.dropLast("FuzzTests/FuzzTests.swift".count) + "Fuzz/corpus/\(target.rawValue)")
        let names = try Files.names(in: directory)
        #expect(!names.isEmpty)
        for name in names { target.run(try Files.contents(of: directory.appending(name.bytes), limit: 1 << 20)) }
    }

    /// With VARVE_FUZZ_SEEDS set to a directory they are left there, in one directory a target, for `scripts/fuzz`.
    @Test(arguments: FuzzTarget.allCases) func whatEncodersMakeIsSurvivedAlsoWhenItIsChanged(_ target: FuzzTarget)
        throws
    {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for (number, input) in try SeedInputs.make(target).enumerated() {
            #expect(!input.isEmpty)
            if let kept = unsafe getenv("VARVE_FUZZ_SEEDS") {
                let directory = unsafe "\(String(cString: kept))/\(target.rawValue)"
                try Files.makeDirectories(RawPath(directory))
                try Files.write(input, to: RawPath("\(directory)/seed-\(number)"))
            }
            target.run(input)
            for _ in 0..<50 {
                var changed = input
                for _ in 0..<Int.random(in: 1...8, using: &generator) {
                    changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                target.run(changed)
            }
        }
    }
}
