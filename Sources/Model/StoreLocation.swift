/// Where the store is when `--store` does not say.
package enum StoreLocation {
    /// `$STATE_DIRECTORY` (the first of several, systemd.exec(5)); `/var/lib/varve` for root; else
    /// `$XDG_STATE_HOME/varve` or `~/.local/state/varve`.
    ///
    /// Nil where no rule applies: not root and without a home directory.
    package static func standard(userID: UInt32, environment: (String) -> String?) -> RawPath? {
        func directory(_ name: String) -> RawPath? {
            // The XDG base directory specification says to ignore relative paths.
            environment(name).flatMap { $0.hasPrefix("/") ? RawPath($0) : nil }
        }
        if let state = environment("STATE_DIRECTORY")?.split(separator: ":").first, state.hasPrefix("/") {
            return RawPath(String(state))
        }
        if userID == 0 { return RawPath("/var/lib/varve") }
        if let state = directory("XDG_STATE_HOME") { return state.appending("varve".utf8) }
        return directory("HOME").map { RawPath($0.bytes + Array("/.local/state/varve".utf8)) }
    }
}
