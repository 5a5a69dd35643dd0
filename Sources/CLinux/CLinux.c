#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sched.h>
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

int clinux_birth(int descriptor, int64_t *nanoseconds)
{
    struct statx status;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0)
        return -1;
    if (!(status.stx_mask & STATX_BTIME))
        return 0;
    *nanoseconds = status.stx_btime.tv_sec * INT64_C(1000000000) + status.stx_btime.tv_nsec;
    return 1;
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

/* struct sched_attr of Linux 3.14; the C library has neither it nor the calls. */
struct scheduler_attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

int clinux_set_scheduler_slice(uint64_t nanoseconds)
{
    struct scheduler_attributes attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0U) != 0)
        return -1;
    attributes.size = sizeof(attributes);
    attributes.runtime = nanoseconds;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0U);
}

int clinux_usable_processor_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : -1;
}

int clinux_begin_writing_back(int descriptor)
{
    return sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int clinux_try_write_lock(int descriptor)
{
    struct flock lock;
    memset(&lock, 0, sizeof(lock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int clinux_lock_holder(int descriptor, int64_t offset, int64_t count, int32_t *pid)
{
    struct flock lock;
    memset(&lock, 0, sizeof(lock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = (off_t)offset;
    lock.l_len = (off_t)count;
    if (fcntl(descriptor, F_GETLK, &lock) != 0)
        return -1;
    *pid = lock.l_type == F_UNLCK ? 0 : lock.l_pid;
    return lock.l_type != F_UNLCK;
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

/* Where the fields of a process message are: behind struct nlmsghdr and struct cn_msg. */
enum {
    EVENT_AT = sizeof(struct nlmsghdr) + sizeof(struct cn_msg),
    DATA_AT = EVENT_AT + offsetof(struct proc_event, event_data),
};

/* Only whole processes matter: threads start and end far more often, and share pid and program with their process.
 * This filter keeps their messages from filling the receive buffer. BPF loads words as big-endian, hence htonl. */
static int attach_process_filter(int socket)
{
    struct sock_filter code[] = {
        /*  0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, EVENT_AT),
        /*  1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_NONE), 15, 0),
        /*  2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXEC), 14, 0),
        /*  3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_FORK), 4, 0),
        /*  4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXIT), 7, 0),
        /*  5 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_UID), 6, 0),
        /*  6 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_GID), 5, 0),
        /*  7 */ BPF_STMT(BPF_RET | BPF_K, 0),
        /* Of a fork: is the child's thread id its process id? */
        /*  8 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_AT + 8),
        /*  9 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
        /* 10 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_AT + 12),
        /* 11 */ BPF_JUMP(BPF_JMP | BPF_JA, 3, 0, 0),
        /* Of all others: is the thread id the process id? */
        /* 12 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_AT),
        /* 13 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
        /* 14 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_AT + 4),
        /* 15 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0),
        /* 16 */ BPF_STMT(BPF_RET | BPF_K, 0),
        /* 17 */ BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int ask_connector(int socket, enum proc_cn_mcast_op operation)
{
    struct nlmsghdr header = {.nlmsg_len = EVENT_AT + sizeof(operation), .nlmsg_type = NLMSG_DONE};
    struct cn_msg message = {.id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC}, .len = sizeof(operation)};
    uint8_t request[EVENT_AT + sizeof(operation)];
    memcpy(request, &header, sizeof(header));
    memcpy(request + sizeof(header), &message, sizeof(message));
    memcpy(request + EVENT_AT, &operation, sizeof(operation));
    return send(socket, request, sizeof(request), 0) == (ssize_t)sizeof(request) ? 0 : -1;
}

int clinux_process_connector(int receive_byte_count)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
    int saved;
    int result = socket(PF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_CONNECTOR);
    if (result < 0)
        return -1;
    /* Beyond net.core.rmem_max with CAP_NET_ADMIN only; without it the kernel gives what it allows. */
    if (setsockopt(result, SOL_SOCKET, SO_RCVBUFFORCE, &receive_byte_count, sizeof(receive_byte_count)) != 0)
        setsockopt(result, SOL_SOCKET, SO_RCVBUF, &receive_byte_count, sizeof(receive_byte_count));
    if (attach_process_filter(result) == 0 && bind(result, (struct sockaddr *)&address, sizeof(address)) == 0
        && ask_connector(result, PROC_CN_MCAST_LISTEN) == 0)
        return result;
    saved = errno;
    close(result);
    errno = saved;
    return -1;
}

int clinux_receive_buffer_byte_count(int socket)
{
    int count = 0;
    socklen_t length = sizeof(count);
    return getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &count, &length) == 0 ? count : -1;
}

int clinux_receive_from_kernel(int socket, void *slots, uint32_t slot_byte_count, uint32_t *byte_counts, uint32_t count)
{
    struct mmsghdr messages[CLINUX_RECEIVE_COUNT];
    struct iovec parts[CLINUX_RECEIVE_COUNT];
    struct sockaddr_nl senders[CLINUX_RECEIVE_COUNT];
    uint32_t index;
    int received;

    if (count > CLINUX_RECEIVE_COUNT)
        count = CLINUX_RECEIVE_COUNT;
    memset(messages, 0, sizeof(messages));
    for (index = 0; index < count; index++) {
        parts[index].iov_base = (uint8_t *)slots + (size_t)index * slot_byte_count;
        parts[index].iov_len = slot_byte_count;
        messages[index].msg_hdr.msg_iov = &parts[index];
        messages[index].msg_hdr.msg_iovlen = 1;
        messages[index].msg_hdr.msg_name = &senders[index];
        messages[index].msg_hdr.msg_namelen = sizeof(senders[index]);
    }
    received = recvmmsg(socket, messages, count, MSG_DONTWAIT, NULL);
    for (index = 0; received > 0 && index < (uint32_t)received; index++)
        byte_counts[index] = senders[index].nl_pid == 0 ? messages[index].msg_len : 0;
    return received;
}
