internal import Glibc
package import Model
internal import Syscalls

/// The process of the query tool.
package enum QueryProcess {
    /// Settles what holds for every answer; to be called first.
    package static func prepare() {
        // A write to a closed pipe fails instead of ending the process: the answer then ends quietly.
        SignalDescriptor.ignoreBrokenPipes()
        HeapPolicy.keepFreedMemory()
    }

    /// The store that is read where none is named; nil where none can be guessed.
    package static func standardStore() -> RawPath? {
        StoreLocation.standard(userID: geteuid()) { name in
            // SAFETY: the name is a C string for the call; the value is copied at once.
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
    }
}
