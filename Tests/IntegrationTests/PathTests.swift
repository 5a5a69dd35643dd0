import Model
import TestSupport
import Testing

/// Paths are those of the event's time, or marked. Each test prints the share of its events that are.
extension EndToEnd {
    @Suite struct Paths {
        /// Prints the share of marked events and gives their number.
        @discardableResult
        private func report(_ events: [ReportedEvent], _ what: String) -> Int {
            let marked = events.count { $0.uncertain.contains("path") }
            print("uncertain path: \(marked) of \(events.count) events, \(what)")
            return marked
        }

        /// What is said without doubt is true.
        private func expectNothingSilentlyWrong(
            _ truth: Truth, _ events: [ReportedEvent], sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let certain = events.filter { !$0.uncertain.contains("path") }
            let invented = truth.differences(from: certain).filter { !$0.hasPrefix("missing") }
            #expect(invented == [], sourceLocation: sourceLocation)
        }

        private func chain(_ steps: Int) -> WorkloadScript {
            var script = WorkloadScript()
            script.add("mkdirs", "d0/deep")
            for number in 0..<steps {
                script.add("create", "d\(number)/f\(number)", "1")
                script.add("create", "d\(number)/deep/g\(number)", "1")
                script.add("rename", "d\(number)", "d\(number + 1)")
            }
            return script
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aLiveChainOfRenamesLeavesNothingInDoubt(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            let truth = try scene.perform([chain(200)])
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(report(events, "live chain of renames on \(kind)") == 0)
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aChainThatWaitedIsReplayedInItsOrder(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            try scene.pauseRecorder()
            let truth = try scene.perform([chain(100)])
            try scene.resumeRecorder()
            let events = try scene.events()
            truth.expectAgreement(with: events)
            #expect(report(events, "chain of renames that waited on \(kind)") == 0)
        }

        /// Renames that the kernel joined may say that each of two directories lies in the other.
        @Test(Privilege.required, .timeLimit(.minutes(3)), arguments: [FilesystemKind.tmpfs, .ext4])
        func joinedRenamesThatTieAKnotAreOutlived(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            for round in 0..<5 {
                let top = "r\(round)"
                var build = WorkloadScript()
                build.add("mkdirs", "\(top)/y/x")
                var truth = try scene.perform([build])
                try scene.sync()
                try scene.pauseRecorder()
                var script = WorkloadScript()
                script.add("rename", "\(top)/y/x", "\(top)/x")
                script.add("rename", "\(top)/x", "\(top)/y/x")
                script.add("rename", "\(top)/y/x", "\(top)/x")
                script.add("rename", "\(top)/y", "\(top)/x/y")
                script.add("create", "\(top)/x/y/G", "1")
                script.add("create", "\(top)/x/H", "1")
                truth.add(try scene.perform([script]))
                try scene.resumeRecorder()
                let events = try scene.events().filter { $0.path?.lossyText.contains("/\(top)/") == true }
                expectNothingSilentlyWrong(truth, events)
                #expect(events.allSatisfy { ($0.path?.bytes.count ?? 0) < 400 })
            }
            #expect(scene.recorderIsRunning)
            // The tree is right again: what comes now has its true path.
            var after = WorkloadScript()
            after.add("create", "r0/x/y/later", "1")
            let truth = try scene.perform([after])
            let later = try scene.events().filter { $0.path?.lossyText.contains("later") == true }
            truth.expectAgreement(with: later)
            #expect(try scene.stopRecorder() == 0)
        }

        /// Whoever nests directories deeper than any path must not end the recorder.
        @Test(Privilege.required, .timeLimit(.minutes(3)))
        func aTreeDeeperThanAnyPathIsOutlived() throws {
            let scene = try Scene(.tmpfs)
            defer { scene.close() }
            let code = """
                import os
                os.chdir('\(scene.root)')
                for level in range(4000):
                    os.mkdir('d'); os.chdir('d')
                    if level % 500 == 0: open('f', 'w').close()
                """
            try runSuccessfully("/usr/bin/python3", ["-c", code])
            try scene.sync()
            #expect(scene.recorderIsRunning)
            #expect(try scene.stopRecorder() == 0)
            #expect(try scene.varve(["verify"]).status == 0)
        }

        /// The place of a directory becomes known by a record that comes after one above it was renamed.
        @Test(Privilege.required, arguments: [FilesystemKind.tmpfs, .ext4])
        func placesThatBecomeKnownAfterARenameAboveAreMarked(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            let rounds = 0..<50
            var build = WorkloadScript()
            for round in rounds { build.add("mkdirs", "in/o\(round)/d") }
            _ = try scene.perform([build])
            try scene.startRecorder(watching: ["\(scene.root)/in"])
            var script = WorkloadScript()
            for round in rounds {
                script.add("create", "in/o\(round)/d/f\(round)", "1")
                script.add("rename", "in/o\(round)", "in/x\(round)")
                script.add("rename", "in/x\(round)/d", "in/y\(round)")
            }
            let truth = try scene.perform([script]).under(scene.root + "/in")
            let events = try scene.events()
            expectNothingSilentlyWrong(truth, events)
            report(events, "places known after a rename above on \(kind)")
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func renamesThatWereJoinedMarkWhatLiesBetween(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var build = WorkloadScript()
            build.add("mkdirs", "a/deep")
            build.add("mkdir", "beside")
            _ = try scene.perform([build])
            let before = try scene.events().count
            try scene.pauseRecorder()
            var script = WorkloadScript()
            // Forty renames arrive as two, and end where the record does not say.
            for number in 0..<20 {
                script.add("create", "a/f\(number)", "1")
                script.add("rename", "a", "b")
                script.add("create", "b/deep/g\(number)", "1")
                script.add("rename", "b", "a")
                script.add("create", "beside/h\(number)", "1")
            }
            script.add("rename", "a", "b")
            let truth = try scene.perform([script])
            try scene.resumeRecorder()
            let events = Array(try scene.events().dropFirst(before))
            expectNothingSilentlyWrong(truth, events)
            #expect(report(events, "renames that were joined on \(kind)") > 0)
            let beside = events.filter { $0.path?.lossyText.contains("/beside/") == true }
            #expect(beside.count == 20, "each event of another directory is there")
            #expect(beside.allSatisfy { $0.uncertain == [] }, "and none of them is in doubt")
            // Once the queue was empty nothing is in doubt any more.
            var after = WorkloadScript()
            after.add("create", "b/after", "1")
            let later = try scene.perform([after])
            let last = try scene.events().dropFirst(before + events.count)
            later.expectAgreement(with: Array(last))
            #expect(last.allSatisfy { $0.uncertain == [] })
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aPlaceThatHadToBeAskedForIsNotTakenFromTheFuture(on kind: FilesystemKind) throws {
            let scene = try Scene(kind, startsRecorder: false)
            defer { scene.close() }
            var build = WorkloadScript()
            for number in 0..<10 { build.add("mkdirs", "old\(number)/deep") }
            _ = try scene.perform([build])
            try scene.startRecorder()
            try scene.pauseRecorder()
            // What the recorder never heard of is written to, and moved before it can look.
            var script = WorkloadScript()
            for number in 0..<10 {
                script.add("create", "old\(number)/deep/f", "1")
                script.add("rename", "old\(number)", "new\(number)")
                script.add("create", "new\(number)/deep/g", "1")
            }
            let truth = try scene.perform([script])
            try scene.resumeRecorder()
            let events = try scene.events()
            expectNothingSilentlyWrong(truth, events)
            truth.expectAgreement(with: events)
            #expect(report(events, "directories moved before they were asked for on \(kind)") == 0)
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func aFileWithoutANameIsMarkedUntilItHasOne(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            script.add("mkdir", "d")
            for number in 0..<10 { script.add("tmpfile", "d", "d/named\(number)") }
            let truth = try scene.perform([script])
            let events = try scene.events()
            expectNothingSilentlyWrong(truth, events)
            report(events, "O_TMPFILE on \(kind)")
            for event in events where event.uncertain.contains("path") {
                #expect(event.path?.lossyText.contains("/d/#") == true, "\(event)")
            }
            for number in 0..<10 {
                let name = RawPath("\(scene.root)/d/named\(number)")
                let inodes = Set(events.filter { $0.path == name }.compactMap(\.inode))
                #expect(inodes.count == 1)
                // The write before it had a name is told by the file itself.
                let all = events.filter { inodes.contains($0.inode ?? 0) }
                #expect(Set(all.flatMap(\.operations)).isSuperset(of: ["create", "modify", "close_write"]))
            }
        }

        @Test(Privilege.required, arguments: FilesystemKind.allCases)
        func treesLinksAndExchangesAreNamedOrMarked(on kind: FilesystemKind) throws {
            let scene = try Scene(kind)
            defer { scene.close() }
            var script = WorkloadScript()
            for number in 0..<20 {
                script.add("mkdirs", "t\(number)/a/b/c")
                script.add("create", "t\(number)/a/b/c/f", "1")
                script.add("link", "t\(number)/a/b/c/f", "t\(number)/a/linked")
                script.add("mkdir", "x\(number)")
                script.add("create", "x\(number)/y", "1")
                script.add("exchange", "t\(number)/a", "x\(number)")
                script.add("append", "x\(number)/b/c/f", "2")
                script.add("rmtree", "t\(number)")
                script.add("rmtree", "x\(number)")
            }
            let truth = try scene.perform([script])
            let events = try scene.events()
            expectNothingSilentlyWrong(truth, events)
            // Only what was joined across an exchange may be in doubt.
            report(events, "rm -rf, hard links, exchanges on \(kind)")
            #expect(events.allSatisfy { $0.uncertain == [] || $0.operations.count > 1 })
            try scene.expectNoGaps()
        }

        @Test(Privilege.required) func subvolumesLeaveNothingInDoubt() throws {
            let scene = try Scene(.btrfs)
            defer { scene.close() }
            try runSuccessfully("btrfs", ["subvolume", "create", scene.root + "/sub"])
            try scene.sync()
            let before = try scene.events().count
            var script = WorkloadScript()
            script.add("mkdirs", "sub/a/b")
            for number in 0..<50 {
                script.add("create", "sub/a/b/f\(number)", "1")
                script.add("rename", "sub/a/b/f\(number)", "sub/a/g\(number)")
            }
            script.add("rename", "sub", "renamed")
            script.add("create", "renamed/a/b/last", "1")
            let truth = try scene.perform([script])
            let events = Array(try scene.events().dropFirst(before))
            truth.expectAgreement(with: events)
            #expect(report(events, "a btrfs subvolume") == 0)
        }
    }
}
