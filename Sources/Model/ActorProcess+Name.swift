extension ActorProcess {
    /// Bytes of a thread's name in the kernel, without the NUL that ends it (TASK_COMM_LEN, prctl(2)).
    package static var maximumNameByteCount: Int { 15 }

    /// What people call it: its comm or, where it was gone before that could be read, the name that an exec of its script or
    /// program gives, which differs where the file was started through a symbolic link. Nil where neither is known.
    package var name: [UInt8]? {
        if let comm { return comm.bytes }
        guard let file = script ?? exe else { return nil }
        return Array(RawPath.lastName(of: file.bytes).prefix(Self.maximumNameByteCount))
    }
}
