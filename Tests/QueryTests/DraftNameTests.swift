import Glibc
import Model
import Syscalls
import TestSupport
import Testing

@testable import Query

@Suite struct DraftNameTests {
    @Test func whatKilledRunsLeftIsRemovedByTheNextOne() throws {
        let directory = try TemporaryDirectory()
        let ended = try #require(try runSuccessfully("/bin/sh", ["-c", "echo $$"]).lines.first)
        let leftovers = ["out.varve-\(ended)", "out.varve-\(getpid())"]
        // Of one that runs, of another target, and names that no run gives.
        let others = ["out.varve-1", "about.varve-\(ended)", "out.varve-0\(ended)", "out.varve-", "out.varve-one"]
        for name in leftovers + others { try Files.write([1], to: RawPath(directory.appending(name))) }
        let target = RawPath(directory.appending("out"))
        try NewFile(target: target).place()
        func names() throws -> Set<String> { try Set(Files.names(in: RawPath(directory.path)).map(\.lossyText)) }
        #expect(try names() == Set(others + ["out"]))

        let tree = directory.appending("store.varve-\(ended)")
        try Files.makeDirectories(RawPath(tree + "/segments"))
        try Files.write([1], to: RawPath(tree + "/segments/one"))
        try StoreDraft(RawPath(directory.appending("store"))).place()
        #expect(try names() == Set(others + ["out", "store"]))
    }
}
