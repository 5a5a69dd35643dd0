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

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

int clinux_is_mount_root(int descriptor)
{
    struct statx status;
    if (statx(descriptor, "", AT_EMPTY_PATH, 0, &status) != 0)
        return -1;
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int clinux_accept(int socket)
{
    return accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
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

int clinux_spawn(
    int32_t *pid, char *const arguments[], char *const environment[], const struct clinux_spawn_options *options)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t child = 0;
    int result;

    sigemptyset(&none);
    sigfillset(&all);
    if ((result = posix_spawn_file_actions_init(&actions)) != 0)
        return result;
    if ((result = posix_spawnattr_init(&attributes)) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    /* A caller that reads signals from a descriptor has them blocked; its child must not inherit that. */
    result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (result == 0)
        result = posix_spawnattr_setsigmask(&attributes, &none);
    if (result == 0)
        result = posix_spawnattr_setsigdefault(&attributes, &all);
    if (result == 0 && options->directory)
        result = posix_spawn_file_actions_addchdir_np(&actions, options->directory);
    if (result == 0 && options->input >= 0)
        result = posix_spawn_file_actions_adddup2(&actions, options->input, 0);
    if (result == 0 && options->output >= 0)
        result = posix_spawn_file_actions_adddup2(&actions, options->output, 1);
    if (result == 0 && options->error >= 0)
        result = posix_spawn_file_actions_adddup2(&actions, options->error, 2);
    if (result == 0)
        result = (options->search_path ? posix_spawnp : posix_spawn)(
            &child, arguments[0], &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    *pid = child;
    return result;
}

char *const *clinux_environment(void)
{
    return environ;
}

int clinux_pipe(int *read_end, int *write_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int clinux_poll(struct pollfd *entries, uint64_t count, int64_t timeout_nanoseconds)
{
    struct timespec timeout;
    if (timeout_nanoseconds < 0)
        return ppoll(entries, count, NULL, NULL);
    timeout.tv_sec = timeout_nanoseconds / 1000000000;
    timeout.tv_nsec = timeout_nanoseconds % 1000000000;
    return ppoll(entries, count, &timeout, NULL);
}
