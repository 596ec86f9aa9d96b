/* A shim for LD_PRELOAD that makes the N-th change to the files of a directory go wrong.

   torn_arm(directory, n, kind) starts to count; torn_count() says how many there were. Kinds:
   0 dies at the N-th, of a write after half of its bytes; 1 has no space from the N-th on;
   2 has an error of the device from the N-th on; 3 may only read from the N-th on. Changes are what a process tells the kernel of
   files: writes, syncs, renames, removals, truncations, and files that are made. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[PATH_MAX];
static long wanted, count;
static int kind, armed;

void torn_arm(const char *directory, long n, int what) {
    strncpy(under, directory, sizeof under - 1);
    wanted = n; kind = what; count = 0; armed = 1;
}
long torn_count(void) { return count; }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int inside(const char *path) {
    size_t size = strlen(under);
    return strncmp(path, under, size) == 0 && (path[size] == '/' || path[size] == 0);
}

static int by_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (!armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return inside(path);
}

static int by_path(int at, const char *path) {
    if (!armed) return 0;
    if (path[0] == '/') return inside(path);
    if (at != AT_FDCWD) return by_fd(at);
    char here[PATH_MAX];
    return getcwd(here, sizeof here) && inside(here);
}

/* 0: go on; 1: this is the one to die at; -1: fail, and errno is set. */
static int now(int needs_space) {
    long n = __sync_add_and_fetch(&count, 1);
    if (kind == 0) return n == wanted;
    if (n < wanted || (kind == 1 && !needs_space)) return 0;
    errno = kind == 1 ? ENOSPC : kind == 2 ? EIO : EROFS;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (by_fd(fd)) {
        int what = now(1);
        if (what < 0) return -1;
        if (what) { real(fd, data, size / 2); _exit(137); }
    }
    return real(fd, data, size);
}

#define PWRITE(NAME, OFFSET) \
ssize_t NAME(int fd, const void *data, size_t size, OFFSET at) { \
    REAL(ssize_t, #NAME, int, const void *, size_t, OFFSET); \
    if (by_fd(fd)) { \
        int what = now(1); \
        if (what < 0) return -1; \
        if (what) { real(fd, data, size / 2, at); _exit(137); } \
    } \
    return real(fd, data, size, at); \
}
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int many) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (by_fd(fd)) {
        int what = now(1);
        if (what < 0) return -1;
        if (what) { real(fd, parts, many / 2); _exit(137); }
    }
    return real(fd, parts, many);
}

#define BY_FD(NAME, SPACE, TYPES, ARGS, FD) \
int NAME TYPES { \
    static int (*real) TYPES; \
    if (!real) real = (int (*) TYPES)dlsym(RTLD_NEXT, #NAME); \
    if (by_fd(FD)) { int what = now(SPACE); if (what < 0) return -1; if (what) _exit(137); } \
    return real ARGS; \
}
#define BY_PATH(NAME, SPACE, TYPES, ARGS, AT, PATH) \
int NAME TYPES { \
    static int (*real) TYPES; \
    if (!real) real = (int (*) TYPES)dlsym(RTLD_NEXT, #NAME); \
    if (by_path(AT, PATH)) { int what = now(SPACE); if (what < 0) return -1; if (what) _exit(137); } \
    return real ARGS; \
}
BY_FD(fsync, 0, (int fd), (fd), fd)
BY_FD(fdatasync, 0, (int fd), (fd), fd)
BY_FD(ftruncate, 0, (int fd, off_t size), (fd, size), fd)
BY_FD(ftruncate64, 0, (int fd, off64_t size), (fd, size), fd)
BY_PATH(rename, 0, (const char *a, const char *b), (a, b), AT_FDCWD, b)
BY_PATH(renameat, 0, (int d, const char *a, int e, const char *b), (d, a, e, b), e, b)
BY_PATH(unlink, 0, (const char *a), (a), AT_FDCWD, a)
BY_PATH(unlinkat, 0, (int d, const char *a, int flags), (d, a, flags), d, a)
BY_PATH(mkdir, 1, (const char *a, mode_t mode), (a, mode), AT_FDCWD, a)
BY_PATH(rmdir, 0, (const char *a), (a), AT_FDCWD, a)

#define OPEN(NAME) \
int NAME(const char *path, int flags, ...) { \
    REAL(int, #NAME, const char *, int, ...); \
    va_list more; va_start(more, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    if ((flags & (O_CREAT | O_TRUNC)) && by_path(AT_FDCWD, path) && \
        ((flags & O_TRUNC) || access(path, F_OK) != 0)) { \
        int what = now(1); if (what < 0) return -1; if (what) _exit(137); \
    } \
    return real(path, flags, mode); \
}
OPEN(open)
OPEN(open64)

#define OPENAT(NAME) \
int NAME(int at, const char *path, int flags, ...) { \
    REAL(int, #NAME, int, const char *, int, ...); \
    va_list more; va_start(more, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    if ((flags & (O_CREAT | O_TRUNC)) && by_path(at, path) && \
        ((flags & O_TRUNC) || faccessat(at, path, F_OK, 0) != 0)) { \
        int what = now(1); if (what < 0) return -1; if (what) _exit(137); \
    } \
    return real(at, path, flags, mode); \
}
OPENAT(openat)
OPENAT(openat64)
