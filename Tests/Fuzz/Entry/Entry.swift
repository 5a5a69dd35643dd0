import Glibc

// What libFuzzer calls: https://llvm.org/docs/LibFuzzer.html. Built by scripts/fuzz alone, never by the package.

private let target: FuzzTarget = {
    let name = unsafe getenv("VARVE_FUZZ").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        fatalError("VARVE_FUZZ must be one of: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return target
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer gives `count` readable bytes that stay valid during the call.
    target.run(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
