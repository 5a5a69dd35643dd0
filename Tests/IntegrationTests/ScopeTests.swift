import Model
import TestSupport
import Testing

/// What PATH arguments, excludes and mounts make of the same operations.
extension EndToEnd {
    @Suite struct Scope {
        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aBindMountKeepsTheNameItWasGiven(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdirs", "tree/inner")
            build.add("mkdir", "beside")
            _ = try scene.perform([build])
            let bound = try scene.bind("tree")
            try scene.startRecorder(watching: [bound])

            var inside = WorkloadScript()
            inside.add("create", "inner/through-bind", "1")
            var outside = WorkloadScript()
            outside.add("create", "tree/inner/through-original", "1")
            outside.add("create", "beside/not-kept", "1")
            outside.add("rename", "tree/inner/through-original", "beside/moved-out")
            var truth = try scene.perform([inside], in: bound)
            let original = try scene.perform([outside])
            truth.add(original.under(scene.root + "/tree").replacing(scene.root + "/tree", with: bound))
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required, arguments: [FilesystemKind.ext4, .btrfs])
        func onlyTheGivenTreesAreKept(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            for name in ["a", "ab", "b", "c"] { build.add("mkdir", name) }
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/a", "\(scene.root)/b"])
            var script = WorkloadScript()
            for name in ["a", "ab", "b", "c"] {
                script.add("create", "\(name)/file", "1")
                script.add("mkdirs", "\(name)/deep/deeper")
                script.add("create", "\(name)/deep/deeper/file", "1")
            }
            // A rename with either side inside is kept, also of a whole directory.
            script.add("rename", "c/file", "a/came-in")
            script.add("rename", "a/file", "c/went-out")
            script.add("rename", "ab/file", "c/stayed-out")
            let all = try scene.perform([script])
            var truth = all.under(scene.root + "/a")
            truth.add(all.under(scene.root + "/b"))
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func aDirectoryMovedIntoTheTreeBelongsToItFromThenOn() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdir", "kept")
            build.add("mkdirs", "other/moving/inner")
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/kept"])
            var truth = Truth()
            for (operation, words) in [
                ("create", ["other/moving/inner/1", "1"]), ("rename", ["other/moving", "kept/moving"]),
                ("create", ["kept/moving/inner/2", "1"]), ("rename", ["kept/moving", "other/moving"]),
                ("create", ["other/moving/inner/3", "1"]),
            ] {
                var script = WorkloadScript()
                script.add(operation, words.map { RawPath($0) })
                truth.add(try scene.perform([script]))
                try scene.sync()
            }
            try truth.under(scene.root + "/kept").expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func excludedNamesAreNotRecorded() throws {
            let scene = try Scene(.ext4, options: ["--exclude", "*.tmp", "--exclude", "**//cache/**/"])
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdirs", "a/cache")
            for name in ["a/keep", "a/drop.tmp", "a/cache/drop", "a/tmp.keep"] { script.add("create", name, "1") }
            _ = try scene.perform([script])
            let names = Set(
                try scene.events().compactMap { $0.path?.text?.split(separator: "/").last.map(String.init) })
            #expect(names == ["a", "cache", "keep", "tmp.keep"])
            // Whoever asks for it by name must not take silence for an answer.
            for (arguments, isMissing) in [
                (["--path", "*.tmp"], true), (["--under", scene.root + "/a/cache/x"], true),
                (["--under", scene.root], true),
                (["--path", scene.root + "/a/keep"], false), ([], false),
            ] {
                let answer = try scene.varve(["count"] + arguments)
                #expect(answer.status == (isMissing ? 3 : 0), "\(arguments): \(answer.errorText)")
                #expect(answer.errorText.contains("'varved --exclude' left it out") == isMissing)
            }
            let query = "SELECT count(*) FROM event WHERE path GLOB '\(scene.root)/a/cache/*'"
            let counted = try scene.varve(["sql", query])
            #expect(counted.status == 3 && counted.errorText.contains("--exclude"), "\(counted.errorText)")
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func theRecorderDoesNotRecordItself(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, storesOnTheSameFilesystem: true)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdir", "d")
            for number in 0..<200 { script.add("create", "d/\(number)", "1") }
            let truth = try scene.perform([script])
            try scene.sync()
            #expect(try scene.varve(["compact"]).status == 0)
            // Readers open the store's files; their shared-memory traffic is not a matter of record either.
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func allOperationsAreRecordedWhenAskedFor() throws {
            let scene = try Scene(.ext4, options: ["--ops", "all"])
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("create", "a", "1")
            script.add("rename", "a", "b")
            script.add("unlink", "b")
            _ = try scene.perform([script])
            let names = Set(try scene.events().flatMap(\.operations))
            #expect(names.isSuperset(of: ["open", "create", "modify", "close_write", "rename", "delete"]))
        }

        @Test(Privilege.required) func aDirectoryThatIsMountedOnItselfIsRecordedLikeAnyOther() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdirs", "data/layer/diff")
            build.add("mkdirs", "other/deep")
            _ = try scene.perform([build])
            // Container engines do this to their data directory.
            try scene.mount(["--bind", "\(scene.root)/data"], on: "\(scene.root)/data")
            try scene.startRecorder(watching: [scene.root])
            var script = WorkloadScript()
            for place in ["data/layer/diff", "data/layer", "data", "other/deep"] {
                script.add("create", "\(place)/f", "1")
            }
            let truth = try scene.perform([script])
            try truth.expectAgreement(with: scene.events())
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func nothingOnTheWatchedFilesystemStaysOpen() throws {
            let scene = try Scene(.ext4)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdirs", "a/b/c")
            for number in 0..<50 { script.add("create", "a/b/c/\(number)", "1") }
            _ = try scene.perform([script])
            try scene.sync()
            let open = try scene.descriptorsOfRecorder()
            #expect(open.contains { $0.contains("fanotify") }, "the count works: the group itself is seen")
            #expect(open.filter { $0.hasPrefix(scene.root) } == [])
        }

        @Test(Privilege.required) func withoutPathsEveryLocalFilesystemIsRecorded() throws {
            let scene = try Scene(.xfs, startsRecorder: false)
            defer { scene.close() }
            let other = try scene.addFilesystem(.ext4)
            try scene.startRecorder(watching: [])
            var script = WorkloadScript()
            script.add("mkdirs", "a/b")
            script.add("create", "a/b/file", "1")
            var truth = try scene.perform([script])
            truth.add(try scene.perform([script], in: other))
            // The machine's own filesystems are recorded as well, with whatever goes on there.
            let events = try scene.events().filter { event in
                [scene.root, other].contains { event.path?.isAtOrUnder(RawPath($0)) == true }
            }
            truth.expectAgreement(with: events)
        }

        @Test(Privilege.required) func aSymbolicLinkAsAPathMeansWhatItPointsAt() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdir", "real")
            build.add("symlink", "link", "real")
            _ = try scene.perform([build])
            try scene.startRecorder(watching: [scene.root + "/link"])
            var script = WorkloadScript()
            script.add("create", "link/file", "1")
            let truth = try scene.perform([script]).replacing(scene.root + "/link", with: scene.root + "/real")
            try truth.expectAgreement(with: scene.events())
        }

        @Test(Privilege.required) func pathsInsideEachOtherGiveEachEventOnce() throws {
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdirs", "a/b")
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/a", "\(scene.root)/a/b", scene.root])
            var script = WorkloadScript()
            for name in ["1", "a/2", "a/b/3"] { script.add("mkdir", name) }
            let truth = try scene.perform([script])
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(events.count == 3)
        }
    }
}
