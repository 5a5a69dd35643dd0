import Model
import Syscalls
import TestSupport
import Testing

extension Faults {
    /// A recorder whose table of descriptors is full.
    @Suite struct Descriptors {
        private func moment() throws -> String {
            String(try runSuccessfully("date", ["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).outputText.dropLast())
        }

        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func whatCannotBeLookedAtMeanwhileIsAGap() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdirs", "known/below")
            script.add("mkdir", "point")
            script.add("create", "known/below/a", "1")
            var truth = try scene.perform([script])
            try scene.sync()
            try scene.fillDescriptorsOfRecorder()
            script = WorkloadScript()
            script.add("create", "known/below/b", "1")
            script.add("rename", "known", "moved")
            script.add("create", "moved/below/c", "1")
            truth.add(try scene.perform([script]))
            let point = scene.root + "/point"
            try scene.mount(["-t", "tmpfs", "none"], on: point)
            let mounted = try moment()
            try runSuccessfully("touch", [point + "/unseen"])
            // The recorder looks again and again.
            pause(milliseconds: 2_500)
            let freed = try moment()
            try scene.freeDescriptorsOfRecorder()
            try scene.waitForCoverage(of: point)
            try runSuccessfully("touch", [point + "/seen"])
            let events = try scene.events()
            truth.expectAgreement(with: events.filter { $0.path != RawPath(point + "/seen") })
            let names = events.compactMap(\.path).filter { $0.isAtOrUnder(RawPath(point)) }
            #expect(names.contains(RawPath(point + "/seen")))
            #expect(!names.contains(RawPath(point + "/unseen")))
            let gap = try #require(try scene.gaps().first { $0.scope == point })
            #expect(gap.type == "not_covered")
            #expect(gap.from <= mounted && gap.to >= freed, "\(gap.from) to \(gap.to)")
        }

        /// Where the mounts can be read, but not all of them opened, what could not be opened is tried again too.
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: [1, 2, 3])
        func whatCannotBeOpenedIsTriedAgain(leaving count: Int) throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            let points = (0..<4).map { scene.root + "/point\($0)" }
            try runSuccessfully("mkdir", points)
            try scene.sync()
            try scene.fillDescriptorsOfRecorder(leaving: count)
            for point in points { try scene.mount(["-t", "tmpfs", "none"], on: point) }
            pause(milliseconds: 1_500)
            try scene.freeDescriptorsOfRecorder()
            for point in points {
                try scene.waitForCoverage(of: point)
                try runSuccessfully("touch", [point + "/seen"])
            }
            let ended = try moment()
            let names = try scene.events().compactMap(\.path)
            for point in points { #expect(names.contains(RawPath(point + "/seen")), "\(point)") }
            let gaps = try scene.gaps()
            for point in points {
                let gap = try #require(gaps.first { $0.scope == point && $0.type == "not_covered" }, "\(point)")
                // What was missing until it was opened, and nothing behind.
                #expect(gap.from < gap.to && gap.to <= ended, "\(point): \(gap.from) to \(gap.to)")
            }
        }
    }
}
