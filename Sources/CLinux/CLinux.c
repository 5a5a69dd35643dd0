#include "CLinux.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

/* struct file_handle ends in a flexible array: room for the largest handle behind it. */
union handle_storage {
    struct file_handle handle;
    uint8_t bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

int clinux_name_to_handle_at(
    int directory, const char *path, struct clinux_file_handle *handle, int *mount_id, int flags)
{
    union handle_storage storage;
    storage.handle.handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(directory, path, &storage.handle, mount_id, flags) != 0)
        return -1;
    if (storage.handle.handle_bytes > MAX_HANDLE_SZ) {
        errno = EOVERFLOW;
        return -1;
    }
    handle->count = storage.handle.handle_bytes;
    handle->type = storage.handle.handle_type;
    memcpy(handle->bytes, storage.handle.f_handle, handle->count);
    return 0;
}

int clinux_open_by_handle_at(int mount, int32_t type, const void *bytes, uint32_t count, int flags)
{
    union handle_storage storage;
    if (count > MAX_HANDLE_SZ) {
        errno = EINVAL;
        return -1;
    }
    storage.handle.handle_bytes = count;
    storage.handle.handle_type = type;
    memcpy(storage.handle.f_handle, bytes, count);
    return open_by_handle_at(mount, &storage.handle, flags);
}

int clinux_peer_credentials(int socket, struct clinux_credentials *credentials)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return -1;
    credentials->pid = peer.pid;
    credentials->uid = peer.uid;
    credentials->gid = peer.gid;
    return 0;
}

int clinux_prctl(int option, unsigned long first, unsigned long second)
{
    return prctl(option, first, second, 0UL, 0UL);
}

int clinux_set_thread_name(const char *name)
{
    return pthread_setname_np(pthread_self(), name);
}

int32_t clinux_thread_id(void)
{
    return (int32_t)syscall(SYS_gettid);
}

int clinux_pidfd_open(int32_t pid, unsigned int flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

int clinux_pidfd_send_signal(int pidfd, int signal)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0U);
}
