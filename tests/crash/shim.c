/* Loaded into every process of a run (LD_PRELOAD): sees whatever is done to one file, by its path or
 * by its temporary name (FILE.part.123), and can strike there.
 *
 * An operation is a write, a truncation, a sync, a rename or a removal; each process counts its own, from 1.
 *
 *   QSD_SHIM_FILE   absolute path of the file
 *   QSD_SHIM_LOG    a line `number name offset length` in LOG.<rank>: for a write when it is done, with the length
 *                   that was really written, else just before; `0 peak 0 <kilobytes>` when the process ends normally
 *   QSD_SHIM_RANK   the rank that is struck
 *   QSD_SHIM_AT     the operation at which that happens
 *   QSD_SHIM_DO     kill: die before it; half: die after half of it;
 *                   or a number: this and all later writes fail with that errno
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Where a file's own position says. */
#define HERE (-1)
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long counted;

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static long rank(void) {
    return number("OMPI_COMM_WORLD_RANK", number("PMIX_RANK", number("PMI_RANK", 0)));
}

static int is_watched(const char *path) {
    const char *file = getenv("QSD_SHIM_FILE");
    if (!file || strncmp(path, file, strlen(file))) return 0;
    const char *suffix = path + strlen(file);
    return !*suffix || !strncmp(suffix, ".part.", 6);
}

static int is_open_on_it(int fd) {
    char link[64], path[PATH_MAX];
    if (!getenv("QSD_SHIM_FILE")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_watched(path);
}

static int told_to(const char *what) {
    const char *told = getenv("QSD_SHIM_DO");
    return told && !strcmp(told, what);
}

static int is_struck(long mine) {
    long at = number("QSD_SHIM_AT", 0);
    int late = mine > at && !told_to("kill") && !told_to("half");
    return at && (mine == at || late) && rank() == number("QSD_SHIM_RANK", -1);
}

static void note(long mine, const char *name, long offset, long length) {
    const char *log = getenv("QSD_SHIM_LOG");
    char path[PATH_MAX], text[128];
    if (!log) return;
    snprintf(path, sizeof path, "%s.%ld", log, rank());
    int end = snprintf(text, sizeof text, "%ld %s %ld %ld\n", mine, name, offset, length);
    int fd = open(path, O_CREAT | O_APPEND | O_WRONLY, 0644);
    if (fd < 0 || REAL(write)(fd, text, end) != end) abort();
    close(fd);
}

static void __attribute__((noreturn)) die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Half of it and one byte more: a single number is torn in two, of several some are whole. */
static long write_half(int fd, const struct iovec *v, int count, off_t at) {
    size_t all = 0, done = 0;
    for (int i = 0; i < count; i++) all += v[i].iov_len;
    size_t half = all > 1 ? (all / 2) | 1 : 0;
    for (int i = 0; done < half; i++) {
        size_t part = v[i].iov_len < half - done ? v[i].iov_len : half - done;
        if (REAL(pwrite)(fd, v[i].iov_base, part, at + done) != (ssize_t)part) abort();
        done += part;
    }
    return done;
}

/* All writes are this one. */
static ssize_t put(int fd, const struct iovec *v, int count, off_t at) {
    int here = at == HERE, watched = is_open_on_it(fd);
    long mine = watched ? __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST) : 0;
    if (watched && here) at = lseek(fd, 0, SEEK_CUR);
    if (watched && is_struck(mine)) {
        if (told_to("half")) note(mine, "write", at, write_half(fd, v, count, at));
        if (told_to("half") || told_to("kill")) die();
        errno = number("QSD_SHIM_DO", EIO);
        return -1;
    }
    ssize_t written = here ? REAL(writev)(fd, v, count) : REAL(pwritev)(fd, v, count, at);
    if (watched) note(mine, "write", at, written);
    return written;
}

/* All that is no write: it happens, or the process dies before it. */
static void before(int watched, const char *name) {
    if (!watched) return;
    long mine = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    if (is_struck(mine) && (told_to("kill") || told_to("half"))) die();
    note(mine, name, 0, 0);
}

#define ONE(data, n) (&(struct iovec){(void *)(data), (n)}), 1

ssize_t write(int fd, const void *data, size_t n) { return put(fd, ONE(data, n), HERE); }
ssize_t writev(int fd, const struct iovec *v, int count) { return put(fd, v, count, HERE); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return put(fd, ONE(data, n), at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { return put(fd, ONE(data, n), at); }
ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at) { return put(fd, v, count, at); }
ssize_t pwritev64(int fd, const struct iovec *v, int count, off64_t at) { return put(fd, v, count, at); }

int ftruncate(int fd, off_t n) { return before(is_open_on_it(fd), "truncate"), REAL(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { return before(is_open_on_it(fd), "truncate"), REAL(ftruncate64)(fd, n); }
int fsync(int fd) { return before(is_open_on_it(fd), "sync"), REAL(fsync)(fd); }
int fdatasync(int fd) { return before(is_open_on_it(fd), "sync"), REAL(fdatasync)(fd); }
int unlink(const char *path) { return before(is_watched(path), "unlink"), REAL(unlink)(path); }
int rename(const char *from, const char *to) { return before(is_watched(from), "rename"), REAL(rename)(from, to); }

static void __attribute__((destructor)) at_the_end(void) {
    char text[256];
    long peak = 0;
    FILE *status = counted ? fopen("/proc/self/status", "r") : NULL;
    if (!status) return;
    while (fgets(text, sizeof text, status)) sscanf(text, "VmHWM: %ld", &peak);
    fclose(status);
    note(0, "peak", 0, peak);
}
