internal import CLinux
internal import Glibc

/// A thread of the system, for loops that block; pthread_create(3).
///
/// Join it: a thread whose owner's life ends is left to itself (detached) and dies with the process.
package struct OSThread: ~Copyable, Sendable {
    private let handle: ThreadHandle

    /// Starts `body` on a thread of its own.
    ///
    /// Parameters: `name` is cut to 15 bytes, the kernel's limit; `stackByteCount` is address space, not memory, and is
    /// rounded up to whole pages. The thread inherits the signal mask and the capabilities of the one that makes it.
    /// Throws: EAGAIN at the limit of threads.
    package init(name: String, stackByteCount: Int = 1 << 20, _ body: @escaping @Sendable () -> Void)
        throws(SyscallError)
    {
        var attributes = pthread_attr_t()
        var identifier = pthread_t()
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let stack = (max(stackByteCount, 64 << 10) + page - 1) / page * page
        // SAFETY: the C library writes the variables lent to it. The retained object is taken over by the new thread,
        // once, or released here where there is none.
        let start = unsafe Unmanaged.passRetained(ThreadStart(name: name, body: body))
        let result = {
            unsafe pthread_attr_init(&attributes)
            defer { unsafe pthread_attr_destroy(&attributes) }
            unsafe pthread_attr_setstacksize(&attributes, stack)
            return unsafe pthread_create(
                &identifier, &attributes,
                { context in
                    if let context = unsafe context {
                        unsafe Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().run()
                    }
                    return nil
                }, start.toOpaque())
        }()
        guard result == 0 else {
            unsafe start.release()
            throw SyscallError(call: "pthread_create", errno: result)
        }
        handle = ThreadHandle(identifier: identifier)
    }

    deinit {
        pthread_detach(handle.identifier)
    }

    /// Waits until the body has returned. pthread_join(3).
    package consuming func join() {
        let identifier = handle.identifier
        discard self
        // The thread is joinable, for only this call or the deinit ends that.
        pthread_join(identifier, nil)
    }
}

/// The number by which the C library knows a thread.
private struct ThreadHandle: Sendable {
    let identifier: pthread_t
}

/// What a new thread needs, alive until it has taken it over.
private final class ThreadStart: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        var bytes = name.utf8.prefix(15).map { CChar(bitPattern: $0) }
        bytes.append(0)
        // SAFETY: the array is a C string of at most 16 bytes; a name that is refused is no reason not to run.
        _ = unsafe clinux_set_thread_name(bytes)
        body()
    }
}
