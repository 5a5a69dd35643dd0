import Model
import TestSupport
import Testing

/// Scripted workloads on real filesystems, compared with what the workload's own processes wrote down.
extension EndToEnd {
    @Suite struct GroundTruth {
        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func everyOperationOfEveryProcessIsRecorded(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var generator = SeededGenerator(seed: seed)
            let scripts = (0..<4).map {
                WorkloadScript.random(in: "worker\($0)", operationCount: 400, using: &generator)
            }
            let truth = try scene.perform(scripts)
            try truth.expectAgreement(with: scene.events())
            try scene.expectNoGaps()
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func renamesAreSingleEventsWithBothNames(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("create", "a", "5")
            for (old, new) in [("a", "b"), ("b", "c"), ("c", "d")] { script.add("rename", old, new) }
            // Over an existing name: the replaced file's link-count change is folded into the rename.
            script.add("create", "e", "5")
            script.add("rename", "e", "d")
            script.add("mkdir", "x")
            script.add("mkdir", "y")
            for (old, new) in [("d", "x/d"), ("x/d", "y/d"), ("y/d", "a")] { script.add("rename", old, new) }
            // Names that change places are two renames; a file with a file, a file with a directory.
            script.add("create", "b", "1")
            script.add("exchange", "a", "b")
            script.add("exchange", "a", "x")
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func writesInsideARenamedDirectoryCarryItsNewPath(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            // Between the phases the recorder has read everything, so nothing is uncertain.
            let phases = [
                [("mkdir", ["p"]), ("mkdir", ["p/q"]), ("create", ["p/q/f", "3"])],
                [("rename", ["p", "r"])],
                [("append", ["r/q/f", "3"]), ("create", ["r/q/g", "1"]), ("chmod", ["r/q", "750"])],
                [("rename", ["r/q", "s"])],
                [("create", ["s/h", "1"]), ("rename", ["s/h", "r/h"]), ("append", ["s/f", "1"])],
                [("rename", ["r", "s/r"])],
                [("append", ["s/r/h", "1"]), ("rmtree", ["s"])],
            ]
            var truth = Truth()
            for phase in phases {
                var script = WorkloadScript()
                for (operation, words) in phase { script.add(operation, words.map { RawPath($0) }) }
                truth.add(try scene.perform([script]))
                try scene.sync()
            }
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aPathThatARenameMadeDoubtfulIsMarkedSo(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdir", "d0")
            for number in 0..<30 {
                script.add("create", "d\(number)/f\(number)", "1")
                script.add("rename", "d\(number)", "d\(number + 1)")
                script.add("append", "d\(number + 1)/f\(number)", "1")
            }
            let truth = try scene.perform([script])
            let events = try scene.events()
            // What is said without doubt is true …
            let certain = events.filter { !$0.uncertain.contains("path") }
            let invented = truth.differences(from: certain).filter { !$0.hasPrefix("missing") }
            #expect(invented == [])
            // … and nothing is lost: every last name was created, modified and closed.
            for number in 0..<30 {
                let seen = events.filter { $0.path?.lossyText.hasSuffix("/f\(number)") == true }.flatMap(\.operations)
                #expect(Set(seen) == ["create", "modify", "close_write"], "f\(number)")
            }
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aTreeIsRemovedNameByName(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            // One tree from before the recorder ran, whose directories it has never heard of, and one made after.
            var build = WorkloadScript()
            for number in 0..<20 {
                build.add("mkdirs", "old/\(number)/inner")
                build.add("create", "old/\(number)/inner/file", "1")
            }
            _ = try scene.perform([build])
            try scene.startRecorder()
            var script = WorkloadScript()
            script.add("rmtree", "old")
            script.add("mkdirs", "new/a/b/c")
            for name in ["new/1", "new/a/2", "new/a/b/3", "new/a/b/c/4"] { script.add("create", name, "1") }
            script.add("rmtree", "new")
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
            try scene.expectNoGaps()
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func eachHardLinkKeepsItsOwnName(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdir", "d")
            script.add("create", "a", "1")
            script.add("link", "a", "b")
            script.add("link", "a", "d/c")
            script.add("append", "b", "1")
            script.add("append", "d/c", "1")
            script.add("unlink", "a")
            script.add("chmod", "b", "600")
            script.add("truncate", "d/c", "0")
            script.add("unlink", "b")
            script.add("unlink", "d/c")
            let truth = try scene.perform([script])
            let events = try scene.events()
            truth.expectAgreement(with: events)
            let inodes = Set(events.filter { $0.path?.lossyText.hasSuffix("/d") == false }.compactMap(\.inode))
            #expect(inodes.count == 1, "all names are one file")
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func fortyLevelsAreNamedInFull(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            let old = "old" + (1...40).map { "/level\($0)" }.joined()
            let new = "new" + (1...40).map { "/level\($0)" }.joined()
            var build = WorkloadScript()
            build.add("mkdirs", old)
            _ = try scene.perform([build])
            try scene.startRecorder()
            var script = WorkloadScript()
            script.add("create", old + "/file", "1")
            script.add("mkdirs", new)
            script.add("create", new + "/file", "1")
            var truth = try scene.perform([script])
            try scene.sync()
            // Three levels below the top, a rename gives everything underneath another path.
            var rename = WorkloadScript()
            rename.add("rename", "old/level1/level2", "old/level1/other")
            truth.add(try scene.perform([rename]))
            try scene.sync()
            var after = WorkloadScript()
            let renamed = "old/level1/other" + (3...40).map { "/level\($0)" }.joined()
            after.add("append", renamed + "/file", "1")
            truth.add(try scene.perform([after]))
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func pathsLongerThanAnySystemCallTakesAreKept(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdeep", "deep", "200", "40")
            var truth = try scene.perform([script])
            try scene.sync()
            var later = WorkloadScript()
            later.add("appenddeep", "deep", "200", "40")
            truth.add(try scene.perform([later]))
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(events.contains { $0.path?.bytes.count ?? 0 > 8_000 })
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func everySubvolumeOfABtrfsIsRecorded() throws {
            let scene = try Scene(.btrfs, startsRecorder: false)
            defer { scene.close() }
            try runSuccessfully("btrfs", ["subvolume", "create", scene.root + "/old"])
            try scene.startRecorder()
            try runSuccessfully("btrfs", ["subvolume", "create", scene.root + "/new"])
            var script = WorkloadScript()
            for place in ["old", "new"] {
                script.add("mkdirs", "\(place)/a/b")
                script.add("create", "\(place)/a/b/file", "1")
                script.add("rename", "\(place)/a/b/file", "\(place)/file")
            }
            let truth = try scene.perform([script])
            let events = try scene.events().filter { $0.process?.exe?.hasSuffix("/btrfs") != true }
            truth.expectAgreement(with: events)
        }

        @Test(Privilege.required) func twoFilesystemsWithTheSameNamesAreToldApart() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            let other = try scene.addFilesystem(.xfs)
            try scene.startRecorder(watching: [scene.root, other])
            var generator = SeededGenerator(seed: 5)
            let script = WorkloadScript.random(in: "same", operationCount: 300, using: &generator)
            let first = try scene.startWorkload([script])
            var truth = try scene.perform([script], in: other)
            truth.add(try first.wait())
            try truth.expectAgreement(with: scene.events())
        }
    }
}
