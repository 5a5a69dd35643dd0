import Fanotify
import Glibc
import Model
import Store
import Syscalls

/// The notification group with its marks in place, and what could not be marked.
struct MarkedFilesystems {
    var group: GroupBox
    var scope: RecordingScope
    var mountPoints: [FilesystemID: RawPath]
    var coverage: [Coverage]
    var gaps: [Gap]
    var queueIsUnlimited: Bool
    var queueReason: String
    /// Before the first mark: no event is older.
    var startedAt: Instant
    /// By path, the trees that are recorded by marks on each of their directories, with the count of these.
    var crawled: [RawPath: Int] = [:]

    /// Marks what `plan` names. What takes no filesystem mark is marked directory by directory where PATH names it.
    ///
    /// Parameter reach: whether filesystem marks may be set at all. Parameter announce: is told how far a crawl is.
    /// Throws: `.noPrivilege` where the kernel refuses for want of a capability, `.unavailable` where nothing that was
    /// asked for can be marked.
    static func mark(
        plan: MarkPlan, group: GroupBox, reach: Reach, queue: QueueChoice, operations: EventMask,
        marked wanted: EventMask, own: [RawPath], announce: (String) -> Void
    ) throws(RecorderError) -> Self {
        let now = Clock.realtime()
        var marked = Self(
            group: group,
            scope: RecordingScope(
                roots: [], isRestricted: plan.isRestricted, operations: operations.union(.onDirectory),
                ownPID: OwnProcess.pid),
            mountPoints: [:], coverage: [], gaps: [], queueIsUnlimited: queue.isUnlimited, queueReason: queue.reason,
            startedAt: now)
        marked.scope.tellsProcesses = reach.tellsProcesses
        if plan.isRestricted {
            marked.scope.directoryMarking = DirectoryMarking(
                marker: DirectoryMarker(group: marked.group, operations: wanted, own: own))
        }
        for omission in plan.omissions {
            marked.gaps.append(Self.notCovered(omission.path, omission.reason, now))
        }
        var refusals: [String] = []
        for target in plan.targets where target.isRecorded || reach.tellsProcesses {
            do throws(SyscallError) {
                guard reach.marksFilesystems || !target.isRecorded else {
                    throw SyscallError(call: "fanotify_mark", errno: EOPNOTSUPP)
                }
                try marked.mark(target, operations: wanted, from: now)
            } catch  where target.isRecorded && plan.isRestricted && Self.mayTakeDirectoryMarks(error, target) {
                do throws(DirectoryCrawl.Refusal) {
                    try marked.crawl(target, from: now, announce)
                } catch {
                    refusals.append("\(target.mountPoint.escapedText) (\(target.filesystemType)): \(error.cause)")
                    marked.gaps.append(Self.notCovered(target.mountPoint, error.cause, now))
                }
            } catch  where !target.isRecorded {
                // Only processes that run programs from there will be named less well.
                continue
            } catch {
                if error.errno == EPERM { throw RecorderPrivileges.missing(for: error) }
                refusals.append(
                    "\(target.mountPoint.lossyText) (\(target.filesystemType)): \(explain(error, on: target))"
                )
                marked.gaps.append(Self.notCovered(target.mountPoint, explain(error, on: target), now))
            }
        }
        // Last: a filesystem whose id is not its own must be the first of its group, and the pid tells the recorder's writes too.
        for directory in own { marked.ignore(directory) }
        if marked.crawled.isEmpty { marked.scope.directoryMarking = nil }
        if !reach.tellsProcesses {
            for coverage in marked.coverage {
                marked.gaps.append(
                    Gap(
                        kind: .processEventsLost, from: now, to: .distantFuture, count: nil, scope: coverage.path,
                        cause: "recorded without CAP_SYS_ADMIN: the kernel does not tell who did it"))
            }
        }
        marked.scope.roots = plan.tops.compactMap(root)
        marked.scope.workDirectories = plan.workDirectories.flatMap(workHandles)
        guard !marked.coverage.isEmpty else {
            let reason = refusals.isEmpty ? "no filesystem here can be marked" : refusals.joined(separator: "; ")
            throw RecorderError(.unavailable, "nothing can be recorded: \(reason)")
        }
        return marked
    }

    /// Whether marks on its directories may do where a filesystem mark is refused.
    private static func mayTakeDirectoryMarks(_ error: SyscallError, _ target: MarkPlan.Target) -> Bool {
        guard FilesystemSupport(RawPath(target.filesystemType)) != .virtual || target.filesystemType.hasPrefix("fuse.")
        else { return false }
        // No handles that can be opened (overlayfs), no filesystem id (FUSE), a btrfs subvolume.
        return [EOPNOTSUPP, ENODEV, EXDEV].contains(error.errno)
    }

    /// Marks a tree directory by directory.
    private mutating func crawl(
        _ target: MarkPlan.Target, from now: Instant, _ announce: (String) -> Void
    ) throws(DirectoryCrawl.Refusal) {
        guard let marker = scope.directoryMarking?.marker else { return }
        let id: FilesystemID
        do throws(SyscallError) {
            id = try target.mountPoint.filesystemStatus().id
        } catch {
            throw DirectoryCrawl.Refusal(cause: error.description)
        }
        let path = target.mountPoint
        var crawl = try DirectoryCrawl(
            path, filesystem: id, marker: marker,
            limit: DirectoryMarker.maximumDirectoryCount - crawled.values.reduce(0, +), from: now
        ) { count in announce("varved: marking the directories of \(path.escapedText): \(count) so far\n") }
        gaps += crawl.takeGaps()
        mountPoints[id] = mountPoints[id] ?? Self.view(of: target)
        crawled[path] = crawl.directories.count
        coverage.append(
            Coverage(
                path: path, filesystem: id, filesystemType: target.filesystemType, mountPoint: target.seenFrom,
                from: Clock.realtime()))
        scope.directoryMarking?.crawls.append(crawl)
    }

    /// Writes to the store and the archive are not events. What the mark lets through is recognised by the recorder's pid.
    private func ignore(_ directory: RawPath) {
        // The kernel refuses filesystem errors in the mask of a mark on an inode.
        let ignored = EventMask.operations.subtracting(.filesystemError).union([.onChild, .onDirectory])
        do throws(SyscallError) {
            try group.group.addIgnoreMark(
                .inode, mask: ignored, at: directory)
        } catch {
            // Where the filesystem refuses, the pid alone decides.
        }
    }

    private mutating func mark(_ target: MarkPlan.Target, operations: EventMask, from now: Instant)
        throws(SyscallError)
    {
        try group.group.addMark(.filesystem, mask: Self.mask(of: target, operations: operations), at: target.mountPoint)
        let id = try target.mountPoint.filesystemStatus().id
        mountPoints[id] = mountPoints[id] ?? Self.view(of: target)
        guard target.isRecorded else { return }
        coverage.append(
            Coverage(
                path: target.mountPoint, filesystem: id, filesystemType: target.filesystemType,
                mountPoint: target.seenFrom, from: now))
    }

    /// Where a filesystem is seen: containers have single files mounted, through which nothing is.
    static func view(of target: MarkPlan.Target) -> RawPath {
        (try? target.seenFrom.status().kind) == .directory ? target.seenFrom : target.mountPoint
    }

    /// What a filesystem is marked for; programs are named by exec events from everywhere.
    static func mask(of target: MarkPlan.Target, operations: EventMask) -> EventMask {
        target.isRecorded ? operations.union([.openExec, .onDirectory]) : .openExec
    }

    /// nil where it vanished since it was marked; its marks vanished with it.
    static func root(at top: MarkPlan.Top) -> RecordingScope.Root? {
        (try? openRoot(at: top)) ?? nil
    }

    /// nil where its filesystem has no handles.
    static func openRoot(at top: MarkPlan.Top) throws(SyscallError) -> RecordingScope.Root? {
        let directory = try openDirectory(top.path)
        let filesystem = try directory.filesystemStatus().id
        guard let handle = try HandleResolver.handle(of: directory, filesystem: filesystem) else { return nil }
        var root = RecordingScope.Root(handle: handle, path: top.path, isKept: top.isKept)
        if case .parent(_, let parent) = try HandleResolver.parent(of: directory, filesystem: filesystem) {
            var realPath: [UInt8] = []
            try readDescriptorPath(directory, into: &realPath)
            root.parent = parent
            root.name = Array(realPath.split(separator: UInt8(ascii: "/")).last ?? [])
        }
        return root
    }

    /// The handles of an overlay's work directory and of the one that the kernel makes in it.
    static func workHandles(_ directory: RawPath) -> [FileHandle] {
        [directory, directory.appending("work".utf8)].compactMap { path in
            guard let open = try? openPath(path), let filesystem = try? open.filesystemStatus().id else { return nil }
            return try? HandleResolver.handle(of: open, filesystem: filesystem)
        }
    }

    private static func notCovered(_ path: RawPath, _ reason: String, _ now: Instant) -> Gap {
        Gap(kind: .notCovered, from: now, to: .distantFuture, count: nil, scope: path, cause: reason)
    }

    static func explain(_ error: SyscallError, on target: MarkPlan.Target) -> String {
        switch error.errno {
        case EOPNOTSUPP where target.filesystemType == "overlay":
            "its file handles cannot be reported, so it cannot be marked as a whole. Record on the host the filesystem"
                + " that holds its upper directory: that sees every change."
                // Linux ≥ 6.6 does.
                + (FanotifyProbe.markDirectory(target.mountPoint) == 0
                    ? " Or name it as PATH: its directories are then marked one by one, and what happens in a new one"
                        + " before its mark is found by a scan" : "")
        case EOPNOTSUPP: "\(target.filesystemType) reports no file handles, so it cannot be marked"
        case EXDEV: "a btrfs subvolume: mount the top level (subvolid=5) and record that"
        case ENODEV: "it has no filesystem id, so it cannot be marked as a whole"
        default: error.description
        }
    }
}
