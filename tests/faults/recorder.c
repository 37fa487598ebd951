/* Logs what a process does to the files of one folder, in order, and can kill it at any operation.
 *
 * Loaded with LD_PRELOAD. RECORDER_FOLDER is the folder; nothing is logged outside of it, nor of
 * names that end in -shm (a shared memory, which no restart reads) or .lock. RECORDER_LOG is the log.
 *
 * A record: one byte for the operation, the length of the name (4 bytes), the offset (8), the
 * length of the data (8), the name below the folder, the data. Operations:
 *   C created or emptied by open   W data written at the offset   T cut or extended to the offset
 *   S synced (a file, or the folder, whose name is empty)
 *   R renamed; the data is the new name        L linked, likewise         U unlinked
 *   M a mark, made by recorder_mark
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_DESCRIPTOR 1024

static char *names[MAX_DESCRIPTOR];
static char folder[PATH_MAX];
static size_t folder_length;
static int log_descriptor = -1;
static long operations, kill_at = -1;

#define REAL(name) real_##name
#define LOOK_UP(name) \
    if (!REAL(name)) REAL(name) = (__typeof__(REAL(name)))dlsym(RTLD_NEXT, #name)

static int (*REAL(open))(const char *, int, ...);
static int (*REAL(open64))(const char *, int, ...);
static int (*REAL(close))(int);
static int (*REAL(fsync))(int);
static int (*REAL(fdatasync))(int);
static int (*REAL(ftruncate))(int, off_t);
static int (*REAL(ftruncate64))(int, off64_t);
static int (*REAL(rename))(const char *, const char *);
static int (*REAL(link))(const char *, const char *);
static int (*REAL(unlink))(const char *);
static ssize_t (*REAL(write))(int, const void *, size_t);
static ssize_t (*REAL(pwrite))(int, const void *, size_t, off_t);
static ssize_t (*REAL(pwrite64))(int, const void *, size_t, off64_t);
static ssize_t (*REAL(sendfile))(int, int, off_t *, size_t);
static ssize_t (*REAL(sendfile64))(int, int, off64_t *, size_t);

__attribute__((constructor)) static void begin(void) {
    LOOK_UP(open); LOOK_UP(open64); LOOK_UP(close); LOOK_UP(fsync); LOOK_UP(fdatasync);
    LOOK_UP(ftruncate); LOOK_UP(ftruncate64); LOOK_UP(rename); LOOK_UP(unlink); LOOK_UP(write);
    LOOK_UP(link); LOOK_UP(pwrite); LOOK_UP(pwrite64); LOOK_UP(sendfile); LOOK_UP(sendfile64);
    const char *place = getenv("RECORDER_FOLDER"), *log = getenv("RECORDER_LOG");
    if (place && realpath(place, folder)) folder_length = strlen(folder);
    if (log) log_descriptor = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Changes what is watched; counts anew from here on. at < 0: nothing is killed. */
void recorder_watch(const char *place, long at) {
    folder_length = realpath(place, folder) ? strlen(folder) : 0;
    operations = 0;
    kill_at = at;
}

long recorder_operations(void) { return operations; }

static int ends_in(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && !strcmp(name + length - tail, end);
}

/* The name below the folder, or NULL if it is none of ours. */
static char *below(const char *path) {
    char real[PATH_MAX], parent[PATH_MAX];
    if (!folder_length || !path) return NULL;
    if (!realpath(path, real)) {
        const char *slash = strrchr(path, '/');
        snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
        if (!realpath(parent, real)) return NULL;
        if (strlen(real) + strlen(path) + 2 > sizeof real) return NULL;
        strcat(real, "/");
        strcat(real, slash ? slash + 1 : path);
    }
    if (strncmp(real, folder, folder_length)) return NULL;
    if (real[folder_length] == 0) return strdup("");
    if (real[folder_length] != '/') return NULL;
    if (ends_in(real, "-shm") || ends_in(real, ".lock")) return NULL;
    return strdup(real + folder_length + 1);
}

/* Before an operation: this may be where the process is to die. */
static void step(void) {
    if (operations++ == kill_at) raise(SIGKILL);
}

static void record(char operation, const char *name, uint64_t offset, const void *data,
                   uint64_t length) {
    int saved = errno;
    char head[21];
    uint32_t name_length = strlen(name);
    if (log_descriptor < 0) return;
    head[0] = operation;
    memcpy(head + 1, &name_length, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &length, 8);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)name, name_length},
                             {(void *)data, length}};
    if (writev(log_descriptor, parts, 3) < 0) abort();
    errno = saved;
}

void recorder_mark(const char *text) { record('M', "", 0, text, strlen(text)); }

static char *of(int descriptor) {
    return descriptor >= 0 && descriptor < MAX_DESCRIPTOR ? names[descriptor] : NULL;
}

static void opened(int descriptor, char *name, int made) {
    if (descriptor < 0 || descriptor >= MAX_DESCRIPTOR) {
        free(name);
        return;
    }
    free(names[descriptor]);
    names[descriptor] = name;
    if (made) record('C', name, 0, "", 0);
}

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        va_list rest;                                                         \
        va_start(rest, flags);                                                \
        mode_t mode = va_arg(rest, mode_t);                                   \
        va_end(rest);                                                         \
        LOOK_UP(name);                                                        \
        char *ours = below(path);                                             \
        struct stat found;                                                    \
        int made = ours && (((flags & O_CREAT) && stat(path, &found)) ||      \
                            (flags & O_TRUNC));                               \
        if (made) step();                                                     \
        int descriptor = REAL(name)(path, flags, mode);                       \
        opened(descriptor, ours, made && descriptor >= 0);                    \
        return descriptor;                                                    \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
    LOOK_UP(close);
    if (of(descriptor)) {
        free(names[descriptor]);
        names[descriptor] = NULL;
    }
    return REAL(close)(descriptor);
}

#define SYNC(name)                                                            \
    int name(int descriptor) {                                                \
        LOOK_UP(name);                                                        \
        char *ours = of(descriptor);                                          \
        if (ours) step();                                                     \
        int result = REAL(name)(descriptor);                                  \
        if (ours && !result) record('S', ours, 0, "", 0);                     \
        return result;                                                        \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset_type)                                           \
    int name(int descriptor, offset_type size) {                              \
        LOOK_UP(name);                                                        \
        char *ours = of(descriptor);                                          \
        if (ours) step();                                                     \
        int result = REAL(name)(descriptor, size);                            \
        if (ours && !result) record('T', ours, size, "", 0);                  \
        return result;                                                        \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define PWRITE(name, offset_type)                                             \
    ssize_t name(int descriptor, const void *data, size_t size, offset_type at) { \
        LOOK_UP(name);                                                        \
        char *ours = of(descriptor);                                          \
        if (ours) step();                                                     \
        ssize_t done = REAL(name)(descriptor, data, size, at);                \
        if (ours && done > 0) record('W', ours, at, data, done);              \
        return done;                                                          \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int descriptor, const void *data, size_t size) {
    LOOK_UP(write);
    char *ours = of(descriptor);
    if (!ours) return REAL(write)(descriptor, data, size);
    step();
    off_t at = lseek(descriptor, 0, SEEK_CUR);
    ssize_t done = REAL(write)(descriptor, data, size);
    if (done > 0) record('W', ours, at, data, done);
    return done;
}

/* Copies of whole files are counted, and not logged: they are of no file that is looked at. */
#define SENDFILE(name, offset_type)                                           \
    ssize_t name(int to, int from, offset_type *at, size_t size) {            \
        LOOK_UP(name);                                                        \
        if (of(to)) step();                                                   \
        return REAL(name)(to, from, at, size);                                \
    }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

/* Open files go with their name; what is open under a name that goes is none of ours any more. */
static void moved(const char *old, const char *new) {
    for (int descriptor = 0; descriptor < MAX_DESCRIPTOR; descriptor++) {
        char *name = names[descriptor];
        if (!name || (strcmp(name, old) && (!new || strcmp(name, new)))) continue;
        names[descriptor] = new && !strcmp(name, old) ? strdup(new) : NULL;
        free(name);
    }
}

int rename(const char *from, const char *to) {
    LOOK_UP(rename);
    char *old = below(from), *new = below(to);
    if (old || new) step();
    int result = REAL(rename)(from, to);
    if (!result && old && new) {
        record('R', old, 0, new, strlen(new));
        moved(old, new);
    }
    free(old);
    free(new);
    return result;
}

int link(const char *from, const char *to) {
    LOOK_UP(link);
    char *old = below(from), *new = below(to);
    if (old || new) step();
    int result = REAL(link)(from, to);
    if (!result && old && new) record('L', old, 0, new, strlen(new));
    free(old);
    free(new);
    return result;
}

int unlink(const char *path) {
    LOOK_UP(unlink);
    char *ours = below(path);
    if (ours) step();
    int result = REAL(unlink)(path);
    if (!result && ours) {
        record('U', ours, 0, "", 0);
        moved(ours, NULL);
    }
    free(ours);
    return result;
}
