import CLinux
import Glibc
import Model
import Syscalls

/// Opens a directory for reading its filesystem's handles; the caller closes it as soon as that is done.
func openDirectory(_ path: RawPath) throws(SyscallError) -> OwnedDescriptor {
    try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
}

/// Opens whatever a path names without any access to its contents.
func openPath(_ path: RawPath) throws(SyscallError) -> OwnedDescriptor {
    try OwnedDescriptor.open(path, flags: O_PATH)
}
