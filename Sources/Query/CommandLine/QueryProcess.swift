internal import Syscalls

/// The process of the query tool.
package enum QueryProcess {
    /// Settles what holds for every answer; to be called first.
    package static func prepare() {
        // A write to a closed pipe fails instead of ending the process: the answer then ends quietly.
        SignalDescriptor.ignoreBrokenPipes()
        HeapPolicy.keepFreedMemory()
    }
}
