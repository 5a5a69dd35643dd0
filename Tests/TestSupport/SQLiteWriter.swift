internal import Glibc
internal import Model
internal import Syscalls

/// A Python process that holds connections to SQLite databases and does what it is told, one statement at a time: the
/// real writer, whose locks, shared memory and ends are those of another process.
package final class SQLiteWriter {
    private let child: ChildProcess
    private let input: OwnedDescriptor
    private let output: OwnedDescriptor
    private var unread: [UInt8] = []
    private var hasEnded = false

    /// What it was told to do failed there.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    package var pid: Int32 { child.pid }

    package init() throws {
        var input = try Pipe()
        var output = try Pipe()
        guard let inputReader = input.readEnd.take(), let inputWriter = input.writeEnd.take(),
            let outputReader = output.readEnd.take(), let outputWriter = output.writeEnd.take()
        else { preconditionFailure("a new pipe has both ends") }
        child = try ChildProcess(
            ["python3", "-u", "-c", Self.program].map { RawPath($0) }, input: inputReader.fileDescriptor,
            output: outputWriter.fileDescriptor)
        self.input = inputWriter
        self.output = outputReader
    }

    deinit {
        guard !hasEnded else { return }
        try? child.send(signal: SIGKILL)
        _ = try? child.wait()
    }

    /// Runs Python statements and gives what the expression after the last newline is worth, as text.
    ///
    /// `open(name, path, page_size=…, mode=…)` makes the connection `name`; names live on between calls.
    @discardableResult
    package func run(_ text: String) throws -> String {
        try input.write(Array((text.map { $0 == "\n" ? "\u{1f}" : String($0) }.joined() + "\n").utf8))
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeFirst(end + 1)
                guard line.hasPrefix("ok ") else { throw Failure(description: "\(line) from: \(text)") }
                return String(line.dropFirst(3))
            }
            guard let count = try output.read(upTo: 65_536, appendingTo: &unread), count > 0 else {
                throw Failure(description: "the writer ended in: \(text)")
            }
        }
    }

    /// The same, as a number.
    package func number(_ text: String) throws -> Int {
        let answer = try run(text)
        guard let number = Int(answer) else { throw Failure(description: "'\(answer)' is no number, from: \(text)") }
        return number
    }

    /// Ends it between two instructions, without closing anything.
    package func kill() throws {
        try child.send(signal: SIGKILL)
        _ = try child.wait()
        hasEnded = true
    }

    private static let program = #"""
        import os, random, sqlite3, struct, sys, time

        def connect(path, page_size=4096, **pragmas):
            c = sqlite3.connect(path, isolation_level=None, timeout=10)
            c.execute(f'pragma page_size={page_size}')
            for name, value in pragmas.items():
                c.execute(f'pragma {name}={value}').fetchall()
            if 'journal_mode' not in pragmas:
                c.execute('pragma journal_mode=wal').fetchall()
            return c

        env = dict(globals())
        for line in sys.stdin:
            lines = line.rstrip('\n').split('\x1f')
            try:
                if len(lines) > 1:
                    exec('\n'.join(lines[:-1]), env)
                try:
                    code = compile(lines[-1], 'test', 'eval')
                    value = eval(code, env)
                except SyntaxError:
                    exec(lines[-1], env)
                    value = ''
                print('ok', str(value).replace('\n', ' '))
            except Exception as error:
                print('failed', repr(error))
        """#
}
