/* The kernel interfaces that the Glibc module leaves out, with the constants that are newer than the installed
 * headers (Debian 12 ships those of Linux 6.1), and wrappers for what Swift cannot import.
 *
 * No feature test macro may be defined here: the header is imported as a module and would then declare types
 * differently from the other modules of the C library. What needs _GNU_SOURCE is wrapped in CLinux.c. */
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* fanotify_init(2), fanotify_mark(2): newer than the headers of 6.1. */
#ifndef FAN_REPORT_FD_ERROR
#define FAN_REPORT_FD_ERROR 0x00002000 /* Linux 6.13 */
#endif
#ifndef FAN_REPORT_MNT
#define FAN_REPORT_MNT 0x00004000 /* Linux 6.14 */
#endif
#ifndef FAN_MARK_MNTNS
#define FAN_MARK_MNTNS 0x00000110 /* Linux 6.14 */
#endif
#ifndef FAN_PRE_ACCESS
#define FAN_PRE_ACCESS 0x00100000 /* Linux 6.14 */
#endif
#ifndef FAN_MNT_ATTACH
#define FAN_MNT_ATTACH 0x01000000 /* Linux 6.14 */
#endif
#ifndef FAN_MNT_DETACH
#define FAN_MNT_DETACH 0x02000000 /* Linux 6.14 */
#endif
#ifndef FAN_EVENT_INFO_TYPE_RANGE
#define FAN_EVENT_INFO_TYPE_RANGE 6 /* Linux 6.14 */
#endif
#ifndef FAN_EVENT_INFO_TYPE_MNT
#define FAN_EVENT_INFO_TYPE_MNT 7 /* Linux 6.14 */
#endif

/* open(2), openat(2): hidden by the headers without _GNU_SOURCE. The same on every architecture we build for. */
#ifndef O_PATH
#define O_PATH 010000000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200 /* Linux 6.5 */
#endif
#ifndef MAX_HANDLE_SZ
#define MAX_HANDLE_SZ 128
#endif
#ifndef FILEID_INVALID
#define FILEID_INVALID 0xff
#endif

/* A `struct file_handle` with its flexible array filled: `count` of `bytes` are valid. */
struct clinux_file_handle {
    uint32_t count;
    int32_t type;
    uint8_t bytes[MAX_HANDLE_SZ];
};

/* accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC (needs _GNU_SOURCE); a descriptor or -1 with errno. */
int clinux_accept(int socket);

/* Process credentials of a socket's peer, `struct ucred` (needs _GNU_SOURCE). */
struct clinux_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

/* name_to_handle_at(2); 0 or -1 with errno. */
int clinux_name_to_handle_at(
    int directory, const char *path, struct clinux_file_handle *handle, int *mount_id, int flags);

/* open_by_handle_at(2); a descriptor or -1 with errno. `count` must be at most MAX_HANDLE_SZ (else EINVAL). */
int clinux_open_by_handle_at(int mount, int32_t type, const void *bytes, uint32_t count, int flags);

/* Whether an open directory is the root of its mount, by statx(2) STATX_ATTR_MOUNT_ROOT (Linux 5.8): 1, 0, or -1 with
 * errno. C because <sys/stat.h> hides statx without _GNU_SOURCE. */
int clinux_is_mount_root(int descriptor);

/* When the inode of an open file was made, by statx(2) STATX_BTIME, in nanoseconds since 1970: 1; 0 where the filesystem does
 * not say, -1 with errno. */
int clinux_birth(int descriptor, int64_t *nanoseconds);

/* getsockopt(SO_PEERCRED); 0 or -1 with errno. */
int clinux_peer_credentials(int socket, struct clinux_credentials *credentials);

/* prctl(2) is variadic, which Swift does not import; unused arguments must be 0. 0 or more, or -1 with errno. */
int clinux_prctl(int option, unsigned long first, unsigned long second);

/* pthread_setname_np(3) of the calling thread; 0 or an error number. At most 15 bytes and NUL. */
int clinux_set_thread_name(const char *name);

/* gettid(2) */
int32_t clinux_thread_id(void);

/* sched_setattr(2): the slice of the calling thread, 0.1 to 100 ms, where it is scheduled by SCHED_OTHER; its nice value
 * stays. Linux >= 6.12; older kernels accept and ignore it. 0 or -1 with errno. */
int clinux_set_scheduler_slice(uint64_t nanoseconds);

/* sched_getaffinity(2), CPU_COUNT(3) (need _GNU_SOURCE): how many processors the calling thread may run on; -1 with errno,
 * EINVAL where the kernel has more than a cpu_set_t holds. */
int clinux_usable_processor_count(void);

/* fcntl(2) with F_OFD_SETLK (needs _GNU_SOURCE): a write lock of the open file description on the whole file. 0 or -1 with
 * errno. */
int clinux_try_write_lock(int descriptor);

/* sync_file_range(2) with SYNC_FILE_RANGE_WRITE (needs _GNU_SOURCE) over the whole file: 0 or -1 with errno. */
int clinux_begin_writing_back(int descriptor);

/* fcntl(2) with F_GETLK, which locks nothing: 1 where another process holds a POSIX lock on the bytes, with its pid (0 or
 * less where that has no meaning here), 0 where nobody does, -1 with errno. */
int clinux_lock_holder(int descriptor, int64_t offset, int64_t count, int32_t *pid);

/* pidfd_open(2); a descriptor or -1 with errno. */
int clinux_pidfd_open(int32_t pid, unsigned int flags);

/* pidfd_send_signal(2) without siginfo; 0 or -1 with errno. */
int clinux_pidfd_send_signal(int pidfd, int signal);

/* Where a new process starts. A null or negative member leaves what the parent has. */
struct clinux_spawn_options {
    const char *directory;
    int input;
    int output;
    int error;
    int search_path;
};

/* posix_spawn(3) or posix_spawnp(3) with all signals unblocked and at their defaults; 0 or an error number. C because
 * posix_spawn_file_actions_addchdir_np needs _GNU_SOURCE. */
int clinux_spawn(
    int32_t *pid, char *const arguments[], char *const environment[], const struct clinux_spawn_options *options);

/* The environment of this process (`environ` is a mutable global, which Swift refuses). */
char *const *clinux_environment(void);

/* pipe2(2) with O_CLOEXEC (needs _GNU_SOURCE); 0 or -1 with errno. */
int clinux_pipe(int *read_end, int *write_end);

/* ppoll(2) without a signal mask; a negative timeout waits for ever. Ready count, or -1 with errno. */
int clinux_poll(struct pollfd *entries, uint64_t count, int64_t timeout_nanoseconds);

/* Opens the process connector (netlink, connector(7) of the kernel's documentation): a non-blocking socket that gives
 * the start, exec, changed ids and end of every process, and asks for its messages; a descriptor or -1 with errno.
 * Refused with ECONNREFUSED outside the initial network, user and pid namespaces. */
int clinux_process_connector(int receive_byte_count);

/* getsockopt(SO_RCVBUF): what the kernel gave, its own overhead included (socket(7)), or -1 with errno. */
int clinux_receive_buffer_byte_count(int socket);

/* How many messages clinux_receive_from_kernel takes at once. */
#define CLINUX_RECEIVE_COUNT 16

/* recvmmsg(2) (needs _GNU_SOURCE) of up to `count` netlink messages into slots of equal size, without waiting. Gives how
 * many came, or -1 with errno; `byte_counts` holds each one's length, 0 where it did not come from the kernel. */
int clinux_receive_from_kernel(
    int socket, void *slots, uint32_t slot_byte_count, uint32_t *byte_counts, uint32_t count);

/* The wait status macros of <sys/wait.h>, which are function-like and not imported. */
static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_status(int status) { return WEXITSTATUS(status); }
static inline int clinux_term_signal(int status) { return WTERMSIG(status); }

/* The file type macros of <sys/stat.h>. */
static inline int clinux_is_directory(mode_t mode) { return S_ISDIR(mode); }
static inline int clinux_is_regular(mode_t mode) { return S_ISREG(mode); }

#endif
