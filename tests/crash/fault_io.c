/*
 * A disk that fails when it is told to, for one process: preloaded, it counts what is written to the database's files
 * and lets the n-th operation fail.
 *
 *   FAULT_FILES   only files whose path contains this
 *   FAULT_NTH     which operation fails, counted from 1; 0 or nothing: none
 *   FAULT_TIMES   how many fail from there on (default 1)
 *   FAULT_HOW     eio | enospc        the operation fails with that error
 *                 short               a write takes only its first 512 bytes; anything else fails with EIO
 *                 torn                a write takes only its first 512 bytes and the process dies; so it does on
 *                                     anything else
 *   FAULT_PLATTER a directory that holds what would be on the disk if the power went now. A page reaches it when a
 *                 sync of its file succeeds. A sync that fails forgets the pages it should have written, and the
 *                 next one knows nothing of them: that is what Linux does.
 *   FAULT_TALLY   a file that gets the number of operations, written anew at each
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 16384 /* 64 MB a file */
#define FILES 8

struct image {
    char name[256];
    int platter;
    unsigned char dirty[PAGES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct image images[FILES];
static long operations;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t real_pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
    return real(fd, data, size, at);
}

static ssize_t real_write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, data, size);
}

static int real_ftruncate(int fd, off_t size) {
    REAL(int, "ftruncate64", int, off_t);
    return real(fd, size);
}

/* The file's name when it is one of those that may fail, else nothing. */
static const char *watched(int fd, char *path, size_t room) {
    const char *part = getenv("FAULT_FILES");
    char link[64];
    if (!part) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    /* The index in shared memory is no part of what is on the disk. */
    if (!strstr(path, part) || strstr(path, "-shm") || strstr(path, " (deleted)")) return NULL;
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Where this file is on the platter. */
static struct image *image_of(const char *name) {
    const char *dir = getenv("FAULT_PLATTER");
    char path[1024];
    if (!dir) return NULL;
    for (int i = 0; i < FILES; i++) {
        if (!strcmp(images[i].name, name)) return &images[i];
        if (!images[i].name[0]) {
            snprintf(images[i].name, sizeof images[i].name, "%s", name);
            snprintf(path, sizeof path, "%s/%s", dir, name);
            images[i].platter = open(path, O_RDWR | O_CREAT, 0600);
            return &images[i];
        }
    }
    abort();
}

static void mark(const char *name, off_t at, size_t size) {
    struct image *image = image_of(name);
    if (!image || !size) return;
    off_t last = (at + (off_t)size - 1) / PAGE;
    if (last >= PAGES) abort();
    for (off_t page = at / PAGE; page <= last; page++) image->dirty[page] = 1;
}

/* The dirty pages reach the platter, or are forgotten. */
static void settle(int fd, const char *name, int reaches) {
    struct image *image = image_of(name);
    char page[PAGE];
    if (!image) return;
    for (int i = 0; i < PAGES; i++) {
        if (!image->dirty[i]) continue;
        image->dirty[i] = 0;
        if (!reaches) continue;
        ssize_t size = pread(fd, page, PAGE, (off_t)i * PAGE);
        if (size > 0 && real_pwrite(image->platter, page, size, (off_t)i * PAGE) != size) abort();
    }
}

static void shorten(const char *name, off_t size) {
    struct image *image = image_of(name);
    if (!image) return;
    struct stat facts;
    if (!fstat(image->platter, &facts) && facts.st_size > size && real_ftruncate(image->platter, size)) abort();
    for (off_t page = (size + PAGE - 1) / PAGE; page < PAGES; page++) image->dirty[page] = 0;
}

/* Counts an operation and says whether it is one of those that fail. */
static int fails(void) {
    const char *nth = getenv("FAULT_NTH"), *times = getenv("FAULT_TIMES"), *tally = getenv("FAULT_TALLY");
    long first = nth ? atol(nth) : 0, many = times ? atol(times) : 1;
    operations++;
    if (tally) {
        static int file;
        char text[32];
        if (!file) file = open(tally, O_WRONLY | O_CREAT, 0600);
        int length = snprintf(text, sizeof text, "%ld\n", operations);
        if (real_pwrite(file, text, length, 0) != length) abort();
    }
    return first && operations >= first && operations - first < many;
}

static int how(const char *word) {
    const char *chosen = getenv("FAULT_HOW");
    return !strcmp(chosen ? chosen : "eio", word);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    pause();
}

static int error(void) {
    errno = how("enospc") ? ENOSPC : EIO;
    return -1;
}

static ssize_t put(int fd, const char *name, const void *data, size_t size, off_t at) {
    pthread_mutex_lock(&lock);
    ssize_t done;
    if (!fails()) {
        done = real_pwrite(fd, data, size, at);
    } else if (how("short") || how("torn")) {
        done = real_pwrite(fd, data, size < 512 ? size : 512, at);
        if (how("torn")) die();
    } else {
        done = error();
    }
    int kept = errno;
    if (done > 0) mark(name, at, done);
    errno = kept;
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    char path[4096];
    const char *name = watched(fd, path, sizeof path);
    return name ? put(fd, name, data, size, at) : real_pwrite(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return pwrite64(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
    char path[4096];
    const char *name = watched(fd, path, sizeof path);
    if (!name) return real_write(fd, data, size);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = put(fd, name, data, size, at);
    int kept = errno;
    if (done > 0) lseek(fd, at + done, SEEK_SET);
    errno = kept;
    return done;
}

static int sync_with(int fd, const char *which) {
    REAL(int, "fsync", int);
    char path[4096];
    (void)which;
    const char *name = watched(fd, path, sizeof path);
    if (!name) return real(fd);
    pthread_mutex_lock(&lock);
    int failed = fails();
    if (failed && how("torn")) die();
    /* The real sync is left out: the platter is the disk here, and thousands of runs stay cheap. */
    settle(fd, name, !failed);
    int done = failed ? error() : 0;
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return sync_with(fd, "fsync"); }

int fdatasync(int fd) { return sync_with(fd, "fdatasync"); }

int ftruncate64(int fd, off_t size) {
    char path[4096];
    const char *name = watched(fd, path, sizeof path);
    if (!name) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    int failed = fails();
    if (failed && how("torn")) die();
    int done = failed ? error() : real_ftruncate(fd, size);
    if (!done) shorten(name, size);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    const char *part = getenv("FAULT_FILES"), *dir = getenv("FAULT_PLATTER");
    int done = real(from, to);
    if (done || !part || !dir || !strstr(from, part) || strstr(from, "-shm")) return done;
    const char *old = strrchr(from, '/'), *new = strrchr(to, '/');
    old = old ? old + 1 : from;
    new = new ? new + 1 : to;
    char twin[1024], its[1024];
    pthread_mutex_lock(&lock);
    image_of(new)->name[0] = '?'; /* whatever had the name has none now */
    snprintf(image_of(old)->name, sizeof images[0].name, "%s", new);
    snprintf(twin, sizeof twin, "%s/%s", dir, old);
    snprintf(its, sizeof its, "%s/%s", dir, new);
    real(twin, its);
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    const char *part = getenv("FAULT_FILES"), *dir = getenv("FAULT_PLATTER");
    int done = real(path);
    if (!done && part && dir && strstr(path, part) && !strstr(path, "-shm")) {
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        char twin[1024];
        pthread_mutex_lock(&lock);
        struct image *image = image_of(name);
        if (image) {
            close(image->platter);
            memset(image->dirty, 0, sizeof image->dirty);
            snprintf(twin, sizeof twin, "%s/%s", dir, name);
            real(twin);
            image->platter = open(twin, O_RDWR | O_CREAT, 0600);
        }
        pthread_mutex_unlock(&lock);
    }
    return done;
}
