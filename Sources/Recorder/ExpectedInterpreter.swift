import Model

extension ProcessTable {
    /// The file whose exec record is to follow that of an image, as part of the same exec.
    struct ExpectedInterpreter {
        /// What its path names for the recorder; for a process with another root it names another file.
        var identity: FileIdentity?
        /// The image is a script: the interpreter becomes `exe`, and the script `script`.
        var isForScript: Bool
        /// The last component of its path.
        var name: [UInt8] = []
        /// The image could not be read: it may have a loader, an interpreter, or neither.
        var isUnread = false

        /// Of an image that could not be read.
        static var unread: Self { Self(identity: nil, isForScript: false, isUnread: true) }

        /// Whether it is the file of an exec record, whose path is nil where its directory is not known.
        func isMet(by object: FileIdentity, at path: RawPath?) -> Bool {
            if identity == object { return true }
            guard let name = path?.bytes.split(separator: UInt8(ascii: "/")).last else { return false }
            return !isUnread && name.elementsEqual(self.name) || !isForScript && Self.isLoader(name)
        }

        /// Program loaders go by few names: ld-linux-x86-64.so.2, ld-2.31.so, ld64.so.2, ld-musl-x86_64.so.1, which may be
        /// a link to libc.musl-x86_64.so.1.
        private static func isLoader(_ name: ArraySlice<UInt8>) -> Bool {
            let text = String(decoding: name, as: UTF8.self)
            return text.hasPrefix("ld") && (text.hasSuffix(".so") || text.contains(".so."))
                || text.hasPrefix("libc.musl-")
        }
    }
}
