/// Steps for callers that run a pattern over a tree of directories, keeping one state a directory.
///
/// Not generic, so that the loops over bytes are compiled here, once.
extension Glob {
    /// True when a state fits in one word, so that the functions over `UInt64` may be used.
    package var hasOneWordStates: Bool {
        table.wordCount == 1
    }

    /// The one-word state before the first byte. Range: `hasOneWordStates`.
    package var startWord: UInt64 {
        table.start.words[0]
    }

    /// The one-word state after `bytes`; 0 when nothing can match any more. Range: `hasOneWordStates`.
    package func advance(word state: UInt64, over bytes: ArraySlice<UInt8>) -> UInt64 {
        table.advanceOne(state, over: bytes)
    }

    /// The one-word state after a slash. Range: `hasOneWordStates`.
    package func advanceOverSlash(word state: UInt64) -> UInt64 {
        table.advanceOne(state, over: CollectionOfOne(UInt8(ascii: "/")))
    }

    /// True when what was read up to the one-word state is a match. Range: `hasOneWordStates`.
    package func accepts(word state: UInt64) -> Bool {
        table.accepts(word: state)
    }

    /// The state after a slash and `name`.
    package func state(below state: State, name: ArraySlice<UInt8>) -> State {
        guard !state.isDead else { return state }
        var next = state
        table.advance(&next, over: CollectionOfOne(UInt8(ascii: "/")))
        table.advance(&next, over: name)
        return next
    }

    /// True when the whole of `bytes` matches, slashes and all.
    package func matchesWhole(_ bytes: ArraySlice<UInt8>) -> Bool {
        var state = table.start
        table.advance(&state, over: bytes)
        return table.accepts(state)
    }
}
