import Glibc
import Model
import Store
import Syscalls
import TestSupport
import Testing

@testable import Query

@Suite struct DamageTests {
    /// Three blocks, of which the middle one has a byte changed in the file: in the middle, or after this part of it.
    static func damagedScene(at part: Double = 0.5) throws -> StoreScene {
        let scene = try wholeScene()
        try damage(scene, at: part)
        return scene
    }

    static func wholeScene() throws -> StoreScene {
        let scene = try StoreScene(from: 0)
        let shell = ActorProcess.named("sh", pid: 10, instance: 1, exe: "/bin/sh", uid: 0)
        for block in 0..<3 {
            try scene.append(
                (0..<40).map {
                    var event = RecordedEvent(
                        Double(block * 100 + $0 + 1), .create, "/block\(block)/file\($0 &* 7919)", process: shell)
                    event.object = FileIdentity(
                        filesystem: FilesystemID(rawValue: 7), inode: UInt64(block * 100 + $0 + 2), generation: 3)
                    return event
                })
        }
        try scene.stop(at: 400)
        return scene
    }

    private static func damage(_ scene: StoreScene, at part: Double) throws {
        let reader = try StoreReader(directory: scene.directory)
        var bytes = try #require(try reader.blockBytes(firstSequence: 41))
        bytes[Int(Double(bytes.count - 1) * part)] ^= 0xFF
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let database = scene.directory.appending("varve.db".utf8).lossyText
        try runSuccessfully("sqlite3", [database, "UPDATE block SET data = X'\(digits)' WHERE first_seq = 41"])
    }

    @Test func theRestIsAnsweredAndTheDamagedBlockIsNamed() throws {
        let scene = try Self.damagedScene()
        let answer = try scene.ask { try EventsAnswer($0, Selection()).run() }
        #expect(answer.status == .unreadable)
        #expect(answer.sequences == Array(1...40) + Array(81...120))
        #expect(answer.messages.contains { $0.contains("events 41 to 80") })
        let reversed = try scene.sequences(.only { $0.isReversed = true })
        #expect(reversed == Array((1...40).map { $0 } + (81...120)).reversed())
        // A question that needs only the other blocks is not troubled.
        let last = try scene.ask { try EventsAnswer($0, .only { $0.since = RecordedEvent.moment(200) }).run() }
        #expect(last.status == .found)
        #expect(last.sequences == Array(81...120))
        let count = try scene.ask(.table) { try CountAnswer($0, .only { $0.paths = [try .of("file*")] }).run() }
        #expect(count.status == .unreadable)
        #expect(count.text == "80\n")
    }

    @Test func verifyNamesTheDamagedBlock() throws {
        let scene = try Self.damagedScene()
        let answer = try scene.ask(.json) { try VerifyAnswer($0).run() }
        #expect(answer.status == .unreadable)
        let object = try #require(JSONValue(Array(answer.text.utf8)))
        #expect(object["ok"] == .boolean(false))
        #expect(object["blocks"] == .number("3"))
        guard case .array(let damaged)? = object["damaged"] else {
            Issue.record("no list")
            return
        }
        #expect(damaged.count == 1)
        #expect(damaged.first?["seq"] == .number("41"))
    }

    @Test func whatIsNoStoreIsToldSo() throws {
        let directory = try TemporaryDirectory()
        let context = QueryContext(
            storeDirectory: RawPath(directory.path), output: AnswerOutput(memoryAsTerminal: false),
            messages: Messages(collecting: true))
        let error = #expect(throws: StoreError.self) { try CountAnswer(context, Selection()).run() }
        #expect(error.map { Failures.explain($0).0 } == .unreadable)
        try Files.write(Array("no database".utf8), to: RawPath(directory.appending("varve.db")))
        #expect(throws: StoreError.self) { try EventsAnswer(context, Selection()).run() }
    }

    @Test func errorsHaveTheirExitCodes() {
        #expect(Failures.explain(UsageError("x")).0 == .usage)
        #expect(Failures.explain(GlobError.empty).0 == .usage)
        #expect(Failures.explain(UsageError("y")).1 == "y")
        #expect(Failures.explain(TimeError(text: "x", reason: "y")).0 == .usage)
        #expect(Failures.explain(UpkeepAnswer.Refusal(description: "x")).0 == .unreadable)
        #expect(Failures.status { throw AnswerOutput.Failure.closed } == 0)
    }

    @Test(arguments: [(false, AnswerStatus.incomplete), (true, .found)])
    func followingTellsWhatIsMissing(acceptsGaps: Bool, status: AnswerStatus) throws {
        let scene = try ScanTests.scene()
        try scene.append(
            gap: Gap(
                kind: .queueOverflow, from: RecordedEvent.moment(1), to: RecordedEvent.moment(2), count: nil,
                scope: nil,
                cause: "the queue was full"))
        func follow(_ change: (inout Selection) -> Void) throws -> StoreScene.Answer {
            let selection = Selection.only {
                $0.since = RecordedEvent.moment(0)
                $0.limit = 3
                change(&$0)
            }
            return try scene.ask(acceptsGaps: acceptsGaps) { try Follower($0, selection).run() }
        }
        let answer = try follow { _ in }
        #expect(answer.status == status)
        #expect(answer.messages.contains { $0.contains("incomplete: queue_overflow") })
        let after = try follow {
            $0.since = RecordedEvent.moment(2)
            $0.limit = 0
        }
        #expect(after.status == .found)
    }

    @Test func followingEndsAtItsLimit() throws {
        let scene = try ScanTests.scene()
        let selection = Selection.only {
            $0.since = RecordedEvent.moment(0)
            $0.limit = 3
        }
        let answer = try scene.ask { try Follower($0, selection).run() }
        #expect(answer.sequences == [1, 2, 3])
        #expect(answer.messages.contains { $0.contains("are left out") })
        #expect(throws: UsageError.self) {
            try scene.ask { try Follower($0, .only { $0.isReversed = true }).run() }
        }
    }

    /// What a row says of its block decides where a walk goes on; a false one must neither hide events nor never end.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("count=0", 1), ("count=-5", 1), ("count=1000000", 1), ("count=4611686018427387904", 1), ("count=7", 41),
            ("count=1000000", 81), ("first_seq=1000000000000000000", 1), ("first_seq=60", 41),
        ])
    func aRowThatLiesIsSaid(change: String, block: Int) throws {
        let scene = try StoreScene(from: 0)
        for block in 0..<3 {
            try scene.append((0..<40).map { RecordedEvent(Double(block * 100 + $0 + 1), .create, "/b\(block)/f\($0)") })
        }
        try scene.stop(at: 400)
        let database = scene.directory.appending("varve.db".utf8).lossyText
        try runSuccessfully("sqlite3", [database, "UPDATE block SET \(change) WHERE first_seq = \(block)"])
        for isReversed in [false, true] {
            let answer = try scene.ask { try EventsAnswer($0, .only { $0.isReversed = isReversed }).run() }
            let isWhole = answer.sequences.sorted() == Array(1...120)
            #expect(answer.status == .unreadable || isWhole, "\(change) at \(block): \(answer.sequences.count)")
            #expect(Set(answer.sequences).count == answer.sequences.count)
        }
        let count = try scene.ask(.table) { try CountAnswer($0, Selection()).run() }
        #expect(count.status == .unreadable || count.text == "120\n", "\(change) at \(block): \(count.text)")
        let verified = try scene.ask(.json) { try VerifyAnswer($0).run() }
        #expect(verified.status == .unreadable)
    }

    @Test func aBlockThatWasTakenOutIsSaid() throws {
        let scene = try StoreScene(from: 0)
        for block in 0..<3 {
            try scene.append((0..<40).map { RecordedEvent(Double(block * 100 + $0 + 1), .create, "/b\(block)/f\($0)") })
        }
        try scene.stop(at: 400)
        let database = scene.directory.appending("varve.db".utf8).lossyText
        try runSuccessfully("sqlite3", [database, "DELETE FROM block WHERE first_seq = 41"])
        let answer = try scene.ask { try EventsAnswer($0, Selection()).run() }
        #expect(answer.status == .unreadable)
        #expect(answer.messages.contains { $0.contains("events 41 to 80") }, "\(answer.messages)")
        #expect(try scene.ask(.table) { try CountAnswer($0, Selection()).run() }.status == .unreadable)
    }
}
