package import Model
internal import Syscalls

/// `varve doctor`: why recording would or would not work here, ending in one verdict and the one command to run.
package struct DoctorAnswer {
    private let context: QueryContext
    private let facts: DoctorFacts

    /// Parameter program: the recorder's program, nil to look for it.
    package init(_ context: QueryContext, paths: [RawPath], program: RawPath?) {
        self.init(context, .gather(context, paths: paths, program: program))
    }

    /// For facts that were found otherwise, as in tests.
    package init(_ context: QueryContext, _ facts: DoctorFacts) {
        self.context = context
        self.facts = facts
    }

    /// Exit status: 0 where all would be recorded, 3 where a part would, 1 where nothing would.
    ///
    /// Throws: `AnswerOutput.Failure`.
    package func run() throws -> AnswerStatus {
        let verdict = DoctorVerdict(facts)
        switch context.textFormat {
        case .table, .csv: writeText(verdict)
        case .json, .jsonl: writeJSON(verdict)
        }
        try context.output.flush()
        return switch verdict.outcome {
        case .works: .found
        case .limited: .incomplete
        case .fails: .nothingFound
        }
    }

    private func writeText(_ verdict: DoctorVerdict) {
        var lines: [(String, String)] = [("kernel", "Linux \(facts.kernelRelease); \(kernelText)")]
        for feature in facts.features {
            lines.append(("", "\(feature.name) \(feature.isThere ? "is there" : "is missing: \(feature.otherwise)")"))
        }
        lines.append(("recorder", programText))
        lines.append(("process", processText))
        lines.append(("memory", memoryText))
        for place in facts.places {
            let head =
                "\(TerminalText.escaped(place.path.bytes)) (\(TerminalText.escaped(Array(place.filesystemType.utf8))))"
            switch place.support {
            case .tried: lines.append(("path", "\(head): would be recorded; the kernel took a filesystem mark"))
            case .expected:
                lines.append(("path", "\(head): would be recorded by a filesystem mark (not tried: no CAP_SYS_ADMIN)"))
            case .missing(let reason): lines.append(("path", "\(head): \(reason)"))
            case .directories(let reason, let instead):
                lines.append(("path", "\(head): its directories would be marked one by one: \(reason)"))
                lines.append(("", "not seen: what happens in a new directory before its mark but what a scan finds"))
                if !instead.isEmpty { lines.append(("", "better: \(instead)")) }
            case .refused(let reason, let instead):
                lines.append(("path", "\(head): would not be recorded: \(reason)"))
                lines.append(("", "instead: \(instead)"))
            }
        }
        let word =
            switch verdict.outcome {
            case .works: "recording works here"
            case .limited: "recording works here in part"
            case .fails: "recording does not work here"
            }
        lines.append(("verdict", "\(word): \(verdict.reason)"))
        if let command = verdict.command { lines.append(("run", command)) }
        for (name, value) in lines {
            let padding = String(repeating: " ", count: 10 - name.count)
            context.output.bytes.append(string: "\(name)\(padding)\(value)\n")
        }
    }

    private var kernelText: String {
        facts.groupError == 0
            ? "fanotify reports directory, name, object and rename target"
            : "fanotify_init fails: \(SyscallError.text(of: facts.groupError))"
    }

    private var programText: String {
        guard let program = facts.program else { return "varved was not found" }
        var text = TerminalText.escaped(program.path.bytes)
        if let capabilities = program.capabilities {
            let held = Capability.needed.filter(capabilities.contains).map(\.rawValue)
            text += ", file capabilities \(held.joined(separator: ","))\(capabilities.isEffective ? "+ep" : "+p")"
            if capabilities.isEffective {
                text += " (with +ep it does not start where one of them is missing; +p is safer)"
            }
        } else {
            text += ", no file capabilities"
        }
        return program.isOnNoSUIDMount ? text + ", on a nosuid mount" : text
    }

    private var processText: String {
        func list(_ set: Set<Capability>) -> String {
            let held = Capability.needed.filter(set.contains).map(\.rawValue)
            return held.isEmpty ? "none" : held.joined(separator: ",")
        }
        return "user \(facts.userID); permitted \(list(facts.permitted)); bounding set \(list(facts.boundingSet)); "
            + "no_new_privs \(facts.hasNoNewPrivileges ? "set" : "not set")"
            + (facts.isInUserNamespace ? "; in a user namespace" : "")
            + (facts.hasSeccompFilter ? "; under a seccomp filter" : "")
    }

    private var memoryText: String {
        switch facts.memoryLimit {
        case .unlimited: "no limit: the event queue would be unlimited"
        case .limited(let bytes) where bytes < 1 << 30:
            "the memory cgroup allows \(ByteSize.text(Int64(clamping: bytes))): the event queue would be limited"
        case .limited(let bytes):
            "the memory cgroup allows \(ByteSize.text(Int64(clamping: bytes))): the event queue would be unlimited"
        case .unknown: "the memory limit cannot be told: the event queue would be limited"
        }
    }

    private func writeJSON(_ verdict: DoctorVerdict) {
        var json = JSONWriter()
        json.beginObject()
        json.key("verdict")
        json.string(verdict.outcome.rawValue)
        json.key("reason")
        json.string(verdict.reason)
        if let command = verdict.command {
            json.key("command")
            json.string(command)
        }
        json.key("kernel")
        json.string(facts.kernelRelease)
        json.key("fanotify")
        json.boolean(facts.groupError == 0)
        if let program = facts.program {
            json.path("varved", raw: "varved_raw", program.path.bytes)
            json.names("file_capabilities", Capability.needed.filter { program.capabilities?.contains($0) ?? false })
            json.key("nosuid")
            json.boolean(program.isOnNoSUIDMount)
            json.key("mode")
            json.string(String(program.permissions, radix: 8))
            json.key("lends_to_everybody")
            json.boolean(program.lendsToEverybody)
            json.key("file_capabilities_effective")
            json.boolean(program.capabilities?.isEffective ?? false)
        }
        json.key("uid")
        json.integer(facts.userID)
        json.names("permitted", Capability.needed.filter(facts.permitted.contains))
        json.names("bounding_set", Capability.needed.filter(facts.boundingSet.contains))
        json.key("no_new_privs")
        json.boolean(facts.hasNoNewPrivileges)
        json.key("user_namespace")
        json.boolean(facts.isInUserNamespace)
        json.key("seccomp_filter")
        json.boolean(facts.hasSeccompFilter)
        json.key("features")
        json.beginObject()
        for feature in facts.features {
            json.key(dynamic: feature.name)
            json.boolean(feature.isThere)
        }
        json.endObject()
        json.key("paths")
        json.beginArray()
        for place in facts.places {
            json.beginObject()
            json.path("path", raw: "path_raw", place.path.bytes)
            json.key("type")
            json.string(place.filesystemType)
            json.path("mount", raw: "mount_raw", place.mountPoint.bytes)
            json.key("marked")
            json.boolean(place.support.isMarked)
            switch place.support {
            case .tried, .expected:
                json.key("scope")
                json.string("filesystem")
            case .directories(let reason, let instead):
                json.key("scope")
                json.string("directories")
                json.key("reason")
                json.string(reason)
                json.key("not_seen")
                json.string("what happens in a new directory before its mark but what a scan finds")
                if !instead.isEmpty {
                    json.key("instead")
                    json.string(instead)
                }
            case .missing(let reason):
                json.key("reason")
                json.string(reason)
            case .refused(let reason, let instead):
                json.key("reason")
                json.string(reason)
                json.key("instead")
                json.string(instead)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        json.endLine()
        context.output.bytes += json.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func names(_ key: StaticString, _ capabilities: [Capability]) {
        self.key(key)
        beginArray()
        for capability in capabilities { string(capability.rawValue) }
        endArray()
    }
}
