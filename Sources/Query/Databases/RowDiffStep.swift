internal import Model
package import SQLitePages

/// The next state of a database, and what led to it.
package struct RowDiffStep {
    package var pages: any PageSource
    /// All pages that were written since the state before; nil when that is not known.
    package var changedPages: [UInt32]?
    /// Nil when the step is more than one commit.
    package var origin: ChangeOrigin?

    package init(pages: any PageSource, changedPages: [UInt32]?, origin: ChangeOrigin?) {
        self.pages = pages
        self.changedPages = changedPages
        self.origin = origin
    }
}
