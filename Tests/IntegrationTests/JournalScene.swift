import FoundationEssentials
import TestSupport
import Testing

/// A commit as `varve db commits -o jsonl` prints it.
struct ReportedState: Decodable {
    struct Writer: Decodable {
        var pid: Int32
    }

    var commit: UInt64
    var low: String
    var high: String
    var writers: [Writer]
    var attribution: String
    var status: String
    var transactions: Int?

    private enum CodingKeys: String, CodingKey {
        case commit, writers, attribution, status, transactions
        case low = "t_lo"
        case high = "t_hi"
    }
}

/// A database as `varve db list -o jsonl` prints it.
struct ListedDatabase: Decodable {
    var path: String
    var status: String
    var detail: String?
    var gaps: Int
    var rebases: Int
}

/// What tests of databases with a rollback journal ask of the store.
extension Scene {
    private func lines<Value: Decodable>(_ answer: CommandResult, _: Value.Type) throws -> [Value] {
        try answer.outputText.split(separator: "\n").map {
            try JSONDecoder().decode(Value.self, from: Data($0.utf8))
        }
    }

    func states(of path: String) throws -> [ReportedState] {
        try lines(try varve(["db", "commits", path, "-o", "jsonl"]), ReportedState.self)
    }

    func listed(_ path: String) throws -> ListedDatabase? {
        try lines(try varve(["db", "list", "-o", "jsonl"]), ListedDatabase.self).first { $0.path == path }
    }

    /// The states that the store has, when there are so many, or such.
    @discardableResult
    func waitForStates(
        of path: String, until isThere: ([ReportedState]) throws -> Bool
    ) throws -> [ReportedState] {
        var found: [ReportedState] = []
        for _ in 0..<100 {
            try sync()
            found = try states(of: path)
            if try isThere(found) { break }
            pause(milliseconds: 100)
        }
        return found
    }

    func restore(_ path: String, _ options: [String]) throws -> (status: Int32, file: String) {
        let file = place + "/restored-\(UInt64.random(in: 0 ..< .max)).db"
        let answer = try varve(["db", "restore", path] + options + ["-o", file])
        return (answer.status, file)
    }

    /// In a while the database is known up to now, with the state after its transaction `number`.
    func expectNow(_ path: String, isTransaction number: Int) throws {
        var status: Int32 = -1
        var found = ""
        try waitForStates(of: path) { _ in
            let (code, file) = try restore(path, ["--at", "now"])
            status = code
            found =
                code == 0 ? try JournalSubject.ask(file, "select n || ' ' || (\(JournalSubject.isWhole)) from s") : ""
            _ = try run("rm", ["-f", file])
            return found == "\(number) 1"
        }
        #expect(status == 0 && found == "\(number) 1", "\(path)")
    }
}

/// The database that these tests write, and its writer.
enum JournalSubject {
    /// What SQLite says of a file.
    static func ask(_ file: String, _ question: String) throws -> String {
        String(try runSuccessfully("sqlite3", [file, question]).outputText.dropLast())
    }

    /// Each transaction changes rows and the sum of them all, which a state must have as well as its number.
    static let program = """
        def open_subject(path, mode, **pragmas):
            global c, n
            c = connect(path, journal_mode=mode, **pragmas)
            c.execute('create table if not exists t(k integer primary key, v int, b blob)')
            c.execute('create table if not exists s(n int, total int, pid int)')
            if not c.execute('select count(*) from s').fetchone()[0]:
                c.execute('begin')
                for k in range(1000): c.execute('insert into t values(?, 0, randomblob(100))', (k,))
                c.execute('insert into s values(0, 0, ?)', (os.getpid(),))
                c.execute('commit')
        def work(r):
            c.execute('begin immediate')
            n, total = c.execute('select n, total from s').fetchone()
            for _ in range(5):
                k = r.randrange(1000)
                total += n + 1 - c.execute('select v from t where k = ?', (k,)).fetchone()[0]
                c.execute('update t set v = ? where k = ?', (n + 1, k))
            c.execute('update s set n = ?, total = ?, pid = ?', (n + 1, total, os.getpid()))
            c.execute('commit')
            return n + 1
        def spill():
            c.execute('begin immediate')
            c.execute('update t set v = v + 1, b = randomblob(100)')
            c.execute('rollback')
        r = random.Random(1)
        """

    static let isWhole = "select (select sum(v) from t) = total and (select count(*) from t) = 1000 from s"

    static func writer() throws -> SQLiteWriter {
        let writer = try SQLiteWriter()
        try writer.run("exec(\(literal(program)), globals())")
        return writer
    }

    private static func literal(_ text: String) -> String {
        "'" + text.map { $0 == "\n" ? "\\n" : $0 == "'" ? "\\'" : String($0) }.joined() + "'"
    }
}
