internal import Glibc
package import Model

/// A system call that failed: which, how and on what.
package struct SyscallError: Error, Hashable, Sendable {
    /// The C name of the call, such as `fanotify_mark`.
    package var call: String
    /// The error number, errno(3).
    package var errno: Int32
    /// The path it was about, nil where there was none.
    package var subject: RawPath?

    package init(call: String, errno: Int32, subject: RawPath? = nil) {
        self.call = call
        self.errno = errno
        self.subject = subject
    }
}

extension SyscallError: CustomStringConvertible {
    /// One line: the call, its object, the error's text and, where one is known, the remedy.
    package var description: String {
        var line = call
        if let subject { line += " \(subject.escapedText)" }
        line += ": \(Self.text(of: errno))"
        if let remedy { line += "; \(remedy)" }
        return line
    }

    /// What whoever started the program can do about it, nil where nothing general can be said.
    package var remedy: String? {
        switch (call, errno) {
        case ("fanotify_init", EPERM): "recording needs CAP_SYS_ADMIN"
        case ("fanotify_init", EMFILE):
            "this user has too many notification groups (fs.fanotify.max_user_groups) or open files"
        case ("fanotify_init", ENOSYS): "this kernel is built without fanotify"
        case ("fanotify_mark", EPERM): "marking a filesystem or a mount needs CAP_SYS_ADMIN"
        case ("fanotify_mark", EOPNOTSUPP): "this filesystem cannot report file handles"
        case ("fanotify_mark", ENODEV): "this filesystem has no filesystem id"
        case ("fanotify_mark", EXDEV):
            "a btrfs subvolume: mark the top level (subvolid=5), or a filesystem whose id is not its own"
        case ("fanotify_mark", ENOSPC): "too many marks (fs.fanotify.max_user_marks)"
        case ("open_by_handle_at", EPERM): "resolving a file handle needs CAP_DAC_READ_SEARCH"
        case (_, EMFILE), (_, ENFILE): "too many open files"
        case (_, ENOSPC): "no space is left on the device"
        case (_, EROFS): "the filesystem is mounted read-only"
        default: nil
        }
    }

    /// The system's text for an error number, strerror(3), such as "No such file or directory".
    package static func text(of errno: Int32) -> String {
        let capacity = 128
        var buffer = [CChar](repeating: 0, count: capacity)
        // SAFETY: strerror_r writes at most `capacity` bytes, NUL included, into the array lent to it.
        let result = unsafe strerror_r(errno, &buffer, capacity)
        guard result == 0 else { return "error \(errno)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension RawPath {
    /// The path for an error line: control bytes and bytes that are no UTF-8 are written as `\xNN`.
    package var escapedText: String {
        var line = ""
        for scalar in lossyText.unicodeScalars {
            if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                line += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}
