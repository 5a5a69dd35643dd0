private import CLinux
private import Glibc

/// The size of a terminal's window. ioctl_tty(2), TIOCGWINSZ.
package enum WindowSize {
    /// How many columns it has; nil for what is no terminal, and where nobody told the terminal.
    package static func columnCount(of descriptor: Int32) -> Int? {
        var size = winsize()
        // SAFETY: the kernel writes the variable lent to it.
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
