import FoundationEssentials
import Glibc
import Model
import Syscalls
import TestSupport
import Testing

/// The capture of databases while the recorder, or the writer, is killed at any moment.
///
/// What came back is judged by SQLite and by the writer's own table, in which each commit says which one it is.
extension Faults {
    @Suite struct CaptureKills {
        /// `VARVE_KILL_ROUNDS` asks for more.
        private static let roundCount = Int(number("VARVE_KILL_ROUNDS") ?? 8)
        /// `VARVE_KILL_SEED` asks for the rounds that were made with it before: kills come at the same moments of a run,
        /// though not at the same instructions.
        private static let seed = number("VARVE_KILL_SEED") ?? UInt64.random(in: 0...UInt64.max)

        private static func number(_ name: String) -> UInt64? {
            // SAFETY: the tests do not change their environment; the string is copied at once.
            unsafe getenv(name).flatMap { unsafe UInt64(String(cString: $0)) }
        }

        @Test(Privilege.required, .timeLimit(.minutes(3 + roundCount / 4)))
        func whatIsListedIsTrueAndWhatIsNotIsAGap() throws {
            let seed = Self.seed
            print("seed \(seed)")
            let scene = try Scene(.ext4, startsRecorder: false)
            defer { scene.close() }
            var tally = KillRound.Tally()
            for number in 0..<Self.roundCount {
                var round = try KillRound(number, in: scene, seed: seed &+ UInt64(number))
                defer { round.removeFiles() }
                try round.perform()
                try round.check(&tally)
            }
            print("\(Self.roundCount) rounds: \(tally)")
            #expect(tally.restored > 0, "something was compared")
        }
    }
}

/// One database and one store, and some kills.
private struct KillRound {
    /// What was looked at, for the reader of the output.
    struct Tally: CustomStringConvertible {
        var recorderKills = 0
        var writerKills = 0
        var written = 0
        var listed = 0
        var restored = 0
        var compared = 0

        var description: String {
            "\(recorderKills) kills of the recorder, \(writerKills) of the writer, \(written) commits, \(listed) listed, "
                + "\(restored) restored, \(compared) compared with the database itself"
        }
    }

    private struct ReportedCommit: Decodable {
        var commit: UInt64
        var status: String
        /// Of a state between transactions; nil where that is not known.
        var transactions: UInt64?

        var piece: Piece {
            Piece(first: commit, last: commit, count: status == "state" ? transactions : 1, isGap: false)
        }
    }

    /// Numbers that a commit has, or that stand for what is missing.
    private struct Piece {
        var first: UInt64
        var last: UInt64
        /// How many commits; nil where that cannot be known.
        var count: UInt64?
        var isGap = true
    }

    private let scene: Scene
    private let name: String
    private let path: String
    private let store: String
    private let writerArguments: [String]
    /// It has a rollback journal: what was there at the first look is where its history begins.
    private let isJournaled: Bool
    private var generator: SeededGenerator
    private var recorderKills = 0
    private var writerKills = 0

    init(_ number: Int, in scene: Scene, seed: UInt64) throws {
        self.scene = scene
        generator = SeededGenerator(seed: seed)
        path = "\(scene.root)/round-\(number).db"
        store = "\(scene.place)/store-\(number)"
        let pageSize = [512, 1_024, 4_096, 16_384, 65_536].randomElement(using: &generator) ?? 4_096
        let checkpointPages = Int.random(in: 10..<120, using: &generator)
        let mode = ["wal", "wal", "wal", "delete", "truncate", "persist"].randomElement(using: &generator) ?? "wal"
        isJournaled = mode != "wal"
        writerArguments = [path, "\(seed)", "\(pageSize)", "\(checkpointPages)", mode]
        name = "round \(number), seed \(seed), \(mode), pages of \(pageSize), \(checkpointPages) a checkpoint"
    }

    func removeFiles() {
        _ = try? run("rm", ["-rf", store, path, path + "-wal", path + "-shm", path + "-journal"])
    }

    private mutating func pauseAWhile(upTo milliseconds: Int) {
        pause(milliseconds: Int.random(in: 0..<milliseconds, using: &generator))
    }

    private func startWriter() throws -> BackgroundProgram {
        try BackgroundProgram(["/usr/bin/python3", BuiltPrograms.auditedWriter] + writerArguments, in: scene.place)
    }

    private func startRecorder() throws {
        try scene.startRecorder(options: ["--capture-wal", "**"], store: store)
    }

    // MARK: The kills

    mutating func perform() throws {
        try startRecorder()
        var writer = try startWriter()
        for _ in 0..<Int.random(in: 2...4, using: &generator) {
            pauseAWhile(upTo: 700)
            if Bool.random(using: &generator) {
                try killRecorder()
                pauseAWhile(upTo: 250)
                try startRecorder()
            } else {
                try kill(writer)
                pauseAWhile(upTo: 250)
                writer = try startWriter()
            }
        }
        pauseAWhile(upTo: 700)
        if Bool.random(using: &generator) {
            try kill(writer)
        } else {
            // One that has only just begun dies of the signal; 1 is a failure of its own.
            #expect(try writer.stop(signal: Signals.terminate) != 1, "\(name): \(writer.errorText)")
        }
        // Nobody may write again after the recorder has come back.
        if Int.random(in: 0..<4, using: &generator) == 0 {
            pauseAWhile(upTo: 200)
            try killRecorder()
            try startRecorder()
        }
        pauseAWhile(upTo: 400)
        #expect(try scene.stopRecorder() == 0, "\(name)")
    }

    private mutating func killRecorder() throws {
        recorderKills += 1
        try scene.killRecorder()
    }

    private mutating func kill(_ writer: BackgroundProgram) throws {
        #expect(try writer.isRunning, "\(name): \(writer.errorText)")
        writer.end()
        writerKills += 1
    }

    // MARK: What is left

    mutating func check(_ tally: inout Tally) throws {
        // A transaction that has to be rolled back hides what was committed before it.
        let journal = try? Files.contents(of: RawPath(path + "-journal"), limit: 1 << 30)
        let endsBrokenOff = journal?.first.map { $0 != 0 } ?? false
        let verify = try scene.varve(["verify"])
        #expect(verify.status == 0, "\(name): \(verify.outputText)\(verify.errorText)")
        let written = try audit(path)
        tally.recorderKills += recorderKills
        tally.writerKills += writerKills
        tally.written += written.count

        guard try scene.sql("SELECT count(*) FROM stream") == "1\n" else {
            // Killed before anything of it was stored, and nothing was written since.
            #expect(recorderKills > 0, "\(name)")
            #expect(try scene.varve(["events"]).status == 3, "\(name)")
            return
        }
        let answer = try scene.varve(["db", "commits", path, "-o", "jsonl"])
        let reported = try answer.outputText.split(separator: "\n").map {
            try JSONDecoder().decode(ReportedCommit.self, from: Data($0.utf8))
        }
        let listed = reported.map(\.commit)
        tally.listed += listed.count
        let gaps = try gaps()
        #expect(answer.status == (gaps.isEmpty ? 0 : 3), "\(name): \(answer.errorText)")
        let pieces = reported.map(\.piece) + gaps
        expectNumbersOnce(pieces)

        // What is known to have been committed up to a number, and how often that is not known.
        func known(upTo number: UInt64) -> (count: UInt64, unknown: Int) {
            let before = pieces.filter { $0.last <= number }
            return (before.reduce(0) { $0 + ($1.count ?? 0) }, before.filter { $0.count == nil }.count)
        }
        var last = (number: UInt64(0), known: (count: UInt64(0), unknown: 0), seq: 0)
        func expectStep(to number: UInt64, _ seq: Int) {
            let reached = known(upTo: number)
            let step = seq - last.seq
            let said = Int(reached.count - last.known.count)
            // What is known of a database begins where it was first stored, which a kill before that puts off.
            let isOpen =
                reached.unknown > last.known.unknown || last.number == 0 && (recorderKills > 0 || isJournaled)
                || number == .max && endsBrokenOff
            let isRight = isOpen ? step >= said : step == said
            #expect(
                isRight,
                """
                \(name): \(step) commits from \(last.number) to \(number) of \(listed.count) listed, \(said) are told of \
                and \(reached.unknown - last.known.unknown) gaps without a count; gaps \(gaps)
                """)
            last = (number, reached, seq)
        }
        for number in sample(listed) {
            guard let file = try restore(number) else { continue }
            tally.restored += 1
            let found = try audit(file)
            #expect(written.starts(with: found), "\(name): commit \(number) holds what was written, up to one of it")
            expectStep(to: number, found.count)
            if number == listed.last, !endsBrokenOff, gaps.allSatisfy({ $0.last < number }) {
                tally.compared += 1
                #expect(try ask(file, ".dump") == ask(path, ".dump"), "\(name): the newest state")
            }
            try runSuccessfully("rm", [file])
        }
        expectStep(to: .max, written.count)
    }

    private mutating func sample(_ listed: [UInt64]) -> [UInt64] {
        guard let first = listed.first, let last = listed.last else { return [] }
        let others = listed.dropFirst().dropLast().shuffled(using: &generator).prefix(6)
        return Set([first, last] + others).sorted()
    }

    /// Each number is that of one commit, or stands in one gap, and none is left out.
    private func expectNumbersOnce(_ pieces: [Piece]) {
        var next: UInt64 = 1
        for piece in pieces.sorted(by: { ($0.first, $0.last) < ($1.first, $1.last) }) {
            #expect(piece.first == next, "\(name): \(piece)")
            #expect(!piece.isGap || piece.last - piece.first + 1 == piece.count ?? 1, "\(name): \(piece)")
            next = piece.last + 1
        }
    }

    private func gaps() throws -> [Piece] {
        let text = try scene.sql("SELECT first_commit, last_commit, coalesce(missed, '') FROM capture_gap ORDER BY 1")
        return try text.split(separator: "\n").map { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            return Piece(
                first: try #require(UInt64(fields[0])), last: try #require(UInt64(fields[1])), count: UInt64(fields[2]))
        }
    }

    /// The database after a commit, if anything leads to it, which SQLite finds whole and of one transaction.
    private func restore(_ number: UInt64) throws -> String? {
        let file = "\(scene.place)/restored-\(number).db"
        let answer = try scene.varve(["db", "restore", path, "--commit", "\(number)", "-o", file])
        guard answer.status != 3 || !answer.errorText.contains("no base image leads to") else { return nil }
        #expect(answer.status == 0, "\(name): commit \(number): \(answer.errorText)")
        guard answer.status == 0 else { return nil }
        #expect(try ask(file, "PRAGMA integrity_check") == "ok\n", "\(name): commit \(number)")
        let state = "SELECT count(*) || ' ' || coalesce(sum(id * length(text)), 0) FROM item"
        let isWhole = "SELECT (\(state)) = state FROM audit ORDER BY seq DESC LIMIT 1"
        #expect(try ask(file, isWhole) == "1\n", "\(name): commit \(number) is the state of one transaction")
        return file
    }

    /// What the transactions in a database say of themselves, in their order; they are numbered from 1.
    private func audit(_ file: String) throws -> [Substring] {
        // Killed before its first commit, the writer leaves no table.
        guard try ask(file, "SELECT count(*) FROM sqlite_master WHERE name = 'audit'") == "1\n" else { return [] }
        return try ask(file, "SELECT * FROM audit ORDER BY seq").split(separator: "\n")
    }

    /// What SQLite itself says of a file.
    private func ask(_ file: String, _ question: String) throws -> String {
        try runSuccessfully("sqlite3", [file, question]).outputText
    }
}
