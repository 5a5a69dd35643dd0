import Testing

@testable import Recorder

@Suite struct ExecutableHeaderTests {
    @Test(arguments: [
        // Each row: the first line of a file, and the interpreter the kernel would open.
        ("#!/bin/sh\n", "/bin/sh"),
        ("#! /usr/bin/env python3\n", "/usr/bin/env"),
        ("#!\t/bin/awk -f\n", "/bin/awk"),
        ("#!/no/newline", "/no/newline"),
    ])
    func scriptsNameTheirInterpreter(line: String, interpreter: String) {
        #expect(ExecutableHeader(Array(line.utf8)) == .script(interpreter: Array(interpreter.utf8)))
    }

    @Test(arguments: ["#!", "#!\n", "#!   \n", "", "plain text", "#"])
    func whatIsNoScriptHasNone(text: String) {
        #expect(ExecutableHeader(Array(text.utf8)) == .other)
    }

    @Test func anELFImageNamesItsProgramInterpreter() {
        #expect(
            ExecutableHeader(Self.elf(interpreter: "/lib64/ld-linux-x86-64.so.2"))
                == .elf(interpreter: Array("/lib64/ld-linux-x86-64.so.2".utf8)))
    }

    /// Whatever bytes a file holds, nothing traps.
    @Test func damagedImagesAreJustOther() {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: .min ... .max, using: &generator)
        print("seed \(seed)")
        var state = seed
        let image = Self.elf(interpreter: "/lib/ld.so")
        for _ in 0..<20_000 {
            var bytes = image
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            _ = ExecutableHeader(Array(bytes.prefix(Int(state >> 40) % (bytes.count + 1))))
        }
    }

    /// A 64-bit little-endian image with one PT_INTERP segment behind one PT_LOAD.
    private static func elf(interpreter: String) -> [UInt8] {
        var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 57)
        bytes[32] = 64
        bytes[54] = 56
        bytes[56] = 2
        var load = [UInt8](repeating: 0, count: 56)
        load[0] = 1
        var segment = [UInt8](repeating: 0, count: 56)
        segment[0] = 3
        segment[8] = 176
        segment[32] = UInt8(interpreter.utf8.count + 1)
        return bytes + load + segment + Array(interpreter.utf8) + [0]
    }
}
