internal import Model
internal import SQLitePages
internal import Segment

/// Pages into which commits are played one after the other, with the state before the last commit still to be read.
///
/// `SegmentPlayer` writes a commit's pages, sets the size, then checks the state. So a commit is known to be right when the
/// next one begins or the segment ends; only then is it told of.
final class CommitPlayback: PageStore {
    private var pages: OverlaidPages
    private let pageSize: Int
    /// What the pages of the commit that was played last held before it.
    private var replaced: [UInt32: [UInt8]?] = [:]
    /// All pages as they were before that commit cut some off at the end.
    private var uncut: OverlaidPages?
    private var isCommitComplete = false
    /// Commits that were told of so far.
    private var step = 0
    /// Called with the pages that a commit wrote, when it is known to be right.
    var commitPlayed: (([UInt32]) throws -> Void)?

    init(_ pages: OverlaidPages, pageSize: Int) {
        self.pages = pages
        self.pageSize = pageSize
    }

    func page(_ number: UInt32) throws -> [UInt8]? {
        try pages.page(number)
    }

    func write(_ number: UInt32, _ bytes: ArraySlice<UInt8>) throws {
        try finishCommit()
        if replaced.index(forKey: number) == nil { replaced[number] = .some(try pages.page(number)) }
        try pages.write(number, bytes)
    }

    func resize(to count: UInt32) throws {
        // A commit ends with its size, also one that wrote no page.
        try finishCommit()
        if count < pages.pageCount { uncut = pages }
        pages.resize(to: count)
        isCommitComplete = true
    }

    /// Tells of the commit that was played last, which must have been found right.
    func finishCommit() throws {
        guard isCommitComplete else { return }
        isCommitComplete = false
        step += 1
        try commitPlayed?(Array(replaced.keys))
        replaced.removeAll(keepingCapacity: true)
        uncut = nil
    }

    /// The state now. It stays readable until the commit after the next one is told of.
    func view() -> any PageSource {
        View(playback: self, step: step, pageSize: pageSize, pageCount: pages.pageCount)
    }

    /// The state now, for good. Cost: pages are shared.
    func snapshot() -> any PageSource {
        Snapshot(pages: pages, pageSize: pageSize)
    }

    private func page(_ number: UInt32, ofStep wanted: Int) throws -> [UInt8]? {
        if wanted == step { return try pages.page(number) }
        precondition(wanted == step - 1, "a state is read after its time")
        if let index = replaced.index(forKey: number) { return replaced[index].value }
        if let uncut { return try uncut.page(number) }
        return try pages.page(number)
    }

    private struct View: PageSource {
        let playback: CommitPlayback
        let step: Int
        let pageSize: Int
        let pageCount: UInt32

        func page(_ number: UInt32) throws(PagesError) -> [UInt8]? {
            try PagesError.unreadable(number) { try playback.page(number, ofStep: step) }
        }
    }

    private struct Snapshot: PageSource {
        let pages: OverlaidPages
        let pageSize: Int

        var pageCount: UInt32 { pages.pageCount }

        func page(_ number: UInt32) throws(PagesError) -> [UInt8]? {
            try PagesError.unreadable(number) { try pages.page(number) }
        }
    }
}

extension PagesError {
    /// Whatever keeps a page from being read, as an error of the pages.
    fileprivate static func unreadable(_ page: UInt32, _ read: () throws -> [UInt8]?) throws(PagesError) -> [UInt8]? {
        do {
            return try read()
        } catch {
            throw .unreadable(page: page, "\(error)")
        }
    }
}
